octet_isa(WIDTH arm FLAGS -march=armv8.2-a+dotprod ${octet_arm_flags})
