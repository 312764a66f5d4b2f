// The roof of an instruction set, measured: what share of it a kernel reaches is its quality.
#pragma once

#include "kernels/kernels.h"

namespace octet::kernels {

/// -> multiply-accumulates a second of CPU time, on one thread, the best of several tries that
/// together take some 30 ms.
double measure_peak(const KernelTable& table);

}  // namespace octet::kernels
