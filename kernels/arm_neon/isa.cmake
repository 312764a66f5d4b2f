octet_isa(WIDTH arm FLAGS -march=armv8-a ${octet_arm_flags})
