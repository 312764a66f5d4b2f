octet_isa(WIDTH x86_avx512vnni FLAGS ${octet_avx512_flags})
