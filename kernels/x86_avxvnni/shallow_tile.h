// Shallow tiles with vpdpbusd.
#pragma once

#define OCTET_CLOBBERS "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "cc", "memory"
#define OCTET_DOT(w, x, sum) \
  "%{vex%} vpdpbusd " OCTET_REGISTER(w) ", " OCTET_REGISTER(x) ", %[" #sum "]\n\t"

#include "kernels/x86_256/shallow_tile256.h"
