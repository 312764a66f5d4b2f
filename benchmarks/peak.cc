// Measures all kernels on all instruction sets that the machine has. The roofs are measured and
// printed first.
//
//   octet_kernel_benchmark [--benchmark_filter=avx512vnni/.*]
#include <benchmark/benchmark.h>

#include <cstdio>

#include "benchmarks/benchmarks.h"
#include "kernels/measure_peak.h"

int main(int argc, char** argv) {
  using namespace octet;
  for (const kernels::KernelTable* table : kernels::available_tables()) {
    const double peak = kernels::measure_peak(*table);
    std::fprintf(stderr, "%-12s %8.1f GMAC/s at most\n", table->name, peak * 1e-9);
    benchmarks::add_conv_benchmarks(*table, peak);
    benchmarks::add_elementwise_benchmarks(*table);
    benchmarks::add_pool_benchmarks(*table);
    benchmarks::add_row_benchmarks(*table);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
