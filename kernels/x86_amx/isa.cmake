octet_isa(WIDTH x86_avx512vnni NEEDS avx512vnni FLAGS ${octet_avx512_flags} -mamx-tile -mamx-int8)
