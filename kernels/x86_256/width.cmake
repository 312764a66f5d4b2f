octet_width(FLAGS -mavx2 -mfma)
