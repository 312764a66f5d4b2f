octet_isa(WIDTH x86_256 FLAGS -mavx2 -mfma -mavxvnni)
