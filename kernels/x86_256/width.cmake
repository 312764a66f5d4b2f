octet_width(FLAGS -mavx2)
