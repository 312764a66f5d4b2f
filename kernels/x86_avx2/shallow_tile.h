// Shallow tiles with vpmaddwd. All tiles are shallow here, since the product takes a register of
// its own.
#pragma once

#define OCTET_CLOBBERS "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "cc", "memory"
#define OCTET_DOT(w, x, sum)                                                \
  "vpmaddwd " OCTET_REGISTER(w) ", " OCTET_REGISTER(x) ", " OCTET_REGISTER( \
      14) "\n\tvpaddd " OCTET_REGISTER(14) ", %[" #sum "], %[" #sum "]\n\t"

#include "kernels/x86_256/shallow_tile256.h"
