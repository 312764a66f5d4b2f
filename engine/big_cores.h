// Phones have fast cores and frugal ones.
#pragma once

#include <cpuinfo.h>
#include <sched.h>

#include <array>
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

/// Logical processors by number: as many as the largest of Linux's kernels knows, 8192.
using ProcessorSet = std::array<cpu_set_t, 8>;

/// Those that this process may run on (sched_getaffinity); empty where the system does not say.
ProcessorSet allowed_processors();
int count_processors(const ProcessorSet& processors);

/// How many cores these processors are: those of one core count once. `folder` is
/// /sys/devices/system/cpu, which lists the siblings of each; without a list each is a core.
int count_cores(const ProcessorSet& processors, const char* folder);

/// Cores that are worth a thread of a layer: a layer is done when its slowest part is. All but
/// Arm's in-order cores, and all but those whose clock is below 0.7 of the fastest; where there are
/// only such, all. 0 for no clusters.
int count_big_cores(const std::vector<CoreCluster>& clusters);

/// Threads that a layer is given by default: the big cores, of those that the process may use.
/// Clusters with fewer cores than that are not believed: cpuinfo finds a core without a cluster in
/// some virtual machines. At least 1.
int choose_thread_count(const std::vector<CoreCluster>& clusters, int allowed_cores);

}  // namespace octet
