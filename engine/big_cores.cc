#include "engine/big_cores.h"

#include <algorithm>

namespace octet {
namespace {

// Against cores that are newer than cpuinfo's list: the frugal cores of a chip run at 0.55 to 0.7
// of its fastest core's clock, a second kind of fast cores at 0.8 and above.
constexpr double least_share = 0.7;

bool is_in_order(cpuinfo_uarch uarch) {
  switch (uarch) {
    case cpuinfo_uarch_cortex_a5:
    case cpuinfo_uarch_cortex_a7:
    case cpuinfo_uarch_cortex_a32:
    case cpuinfo_uarch_cortex_a35:
    case cpuinfo_uarch_cortex_a53:
    case cpuinfo_uarch_cortex_a55r0:
    case cpuinfo_uarch_cortex_a55:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::vector<CoreCluster> core_clusters() {
  std::vector<CoreCluster> clusters;
  if (!cpuinfo_initialize()) return clusters;
  for (uint32_t i = 0; i < cpuinfo_get_clusters_count(); ++i) {
    const cpuinfo_cluster& cluster = *cpuinfo_get_cluster(i);
    clusters.push_back({.uarch = cluster.uarch,
                        .frequency = cluster.frequency,
                        .cores = static_cast<int>(cluster.core_count)});
  }
  return clusters;
}

int count_big_cores(const std::vector<CoreCluster>& clusters) {
  uint64_t fastest = 0;
  for (const CoreCluster& cluster : clusters) fastest = std::max(fastest, cluster.frequency);
  const auto is_big = [&](const CoreCluster& cluster) {
    const bool slow = cluster.frequency != 0 && static_cast<double>(cluster.frequency) <
                                                    least_share * static_cast<double>(fastest);
    return !is_in_order(cluster.uarch) && !slow;
  };
  int big = 0;
  int all = 0;
  for (const CoreCluster& cluster : clusters) {
    all += cluster.cores;
    if (is_big(cluster)) big += cluster.cores;
  }
  return big > 0 ? big : all;
}

}  // namespace octet
