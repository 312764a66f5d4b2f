#include "engine/big_cores.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace octet {
namespace {

// Tells apart cores that are newer than cpuinfo's list. The frugal cores of a chip run at 0.55 to
// 0.7 of the clock of its fastest core; a second kind of fast cores runs at 0.8 and above.
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

/// Returns the lowest number among the logical processors that share a core with `processor`, or
/// `processor` itself where the system does not say.
int first_sibling(const char* folder, int processor) {
  char text[256];
  std::snprintf(text, sizeof(text), "%s/cpu%d/topology/thread_siblings_list", folder, processor);
  const int file = ::open(text, O_RDONLY | O_CLOEXEC);
  if (file < 0) return processor;
  const ssize_t size = ::read(file, text, sizeof(text) - 1);
  ::close(file);
  if (size <= 0) return processor;
  text[size] = 0;
  return std::atoi(text);  // the text is "0-1" or "0,64"
}

constexpr int most_processors = 8 * sizeof(ProcessorSet);

}  // namespace

ProcessorSet allowed_processors() {
  ProcessorSet set = {};
  if (sched_getaffinity(0, sizeof(set), set.data()) != 0) set = {};
  return set;
}

int count_processors(const ProcessorSet& processors) {
  return CPU_COUNT_S(sizeof(processors), processors.data());
}

int count_cores(const ProcessorSet& processors, const char* folder) {
  ProcessorSet cores = {};
  for (int i = 0; i < most_processors; ++i) {
    if (!CPU_ISSET_S(i, sizeof(processors), processors.data())) continue;
    CPU_SET_S(first_sibling(folder, i), sizeof(cores), cores.data());
  }
  return count_processors(cores);
}

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

int choose_thread_count(const std::vector<CoreCluster>& clusters, int allowed_cores) {
  int known = 0;
  for (const CoreCluster& cluster : clusters) known += cluster.cores;
  const int big = known < allowed_cores ? allowed_cores : count_big_cores(clusters);
  return std::max(std::min(big, allowed_cores), 1);
}

}  // namespace octet
