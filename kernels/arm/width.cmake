octet_width(FLAGS -march=armv8-a ${octet_arm_flags} SOURCES store_sums.cc)
