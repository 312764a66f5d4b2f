octet_width(FLAGS ${octet_avx512_flags})
