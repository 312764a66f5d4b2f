// The roof of an instruction set, measured: what share of it a kernel reaches is its quality.
#pragma once

#include "kernels/kernels.h"

namespace octet::benchmarks {

/// -> multiply-accumulates a second of CPU time, the best of several tries; measured once a table.
double peak(const kernels::KernelTable& table);

}  // namespace octet::benchmarks
