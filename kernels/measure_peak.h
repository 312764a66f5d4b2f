// Measures the roof of an instruction set. A kernel is as good as the share of it that it reaches.
#pragma once

#include "kernels/kernels.h"

namespace octet::kernels {

/// Returns multiply-accumulates per second of CPU time on one thread: the best of several tries,
/// which together take about 30 ms.
double measure_peak(const KernelTable& table);

}  // namespace octet::kernels
