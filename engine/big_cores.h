// Phones have fast cores and frugal ones.
#pragma once

#include <cpuinfo.h>

#include <cstdint>
#include <vector>

namespace octet {

/// Cores of one kind that share caches.
struct CoreCluster {
  cpuinfo_uarch uarch = cpuinfo_uarch_unknown;
  uint64_t frequency = 0;  ///< Hz; 0 where it is not known.
  int cores = 0;
};

/// As cpuinfo sees this machine; empty where it knows nothing.
std::vector<CoreCluster> core_clusters();

/// Cores that are worth a thread of a layer: a layer is done when its slowest part is. All but
/// Arm's in-order cores, and all but those whose clock is below 0.7 of the fastest; where there are
/// only such, all. 0 for no clusters.
int count_big_cores(const std::vector<CoreCluster>& clusters);

}  // namespace octet
