// Each file of this folder registers its benchmarks with Google Benchmark.
#pragma once

#include "kernels/kernels.h"

namespace octet::benchmarks {

/// `peak`: the table's measured multiply-accumulates per second.
void add_conv_benchmarks(const kernels::KernelTable& table, double peak);
void add_elementwise_benchmarks(const kernels::KernelTable& table);
void add_pool_benchmarks(const kernels::KernelTable& table);
void add_row_benchmarks(const kernels::KernelTable& table);

}  // namespace octet::benchmarks
