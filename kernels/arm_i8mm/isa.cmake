octet_isa(WIDTH arm FLAGS -march=armv8.2-a+dotprod+i8mm ${octet_arm_flags})
