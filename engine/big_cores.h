// Which cores of this machine are fast. Phones have fast cores and frugal ones.
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
  uint64_t frequency = 0;  ///< Hz; 0 if unknown.
  int cores = 0;
};

/// The clusters that cpuinfo finds on this machine; empty if it finds none.
std::vector<CoreCluster> core_clusters();

/// A set of logical processors, by number. It has room for 8192, the most that a Linux kernel
/// supports.
using ProcessorSet = std::array<cpu_set_t, 8>;

/// The processors that this process may run on (sched_getaffinity); empty if the system does not
/// say.
ProcessorSet allowed_processors();
int count_processors(const ProcessorSet& processors);

/// How many cores these processors belong to. Processors of one core count once. `folder` is
/// /sys/devices/system/cpu, which lists the siblings of each processor; a processor without a list
/// counts as a core of its own.
int count_cores(const ProcessorSet& processors, const char* folder);

/// The number of big cores: those that are worth giving a part of a layer. A layer is done when its
/// slowest part is done, so two kinds of cores are left out: Arm's in-order cores, and cores whose
/// clock is below 0.7 of the fastest. If nothing else is there, all cores count. Returns 0 for no
/// clusters.
int count_big_cores(const std::vector<CoreCluster>& clusters);

/// How many threads run a layer by default: one for each big core, but no more than
/// `allowed_cores`. If the clusters have fewer cores than that in all, they are ignored: in some
/// virtual machines cpuinfo finds a core without a cluster. Returns at least 1.
int choose_thread_count(const std::vector<CoreCluster>& clusters, int allowed_cores);

}  // namespace octet
