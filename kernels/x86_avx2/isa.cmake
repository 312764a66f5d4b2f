octet_isa(WIDTH x86_256 FLAGS -mavx2 -mfma PLAIN winograd_plan.cc)
