#include "engine/threads.h"

#include <cpuinfo.h>
#include <sched.h>

namespace octet {
namespace {

int allowed_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(CPU_COUNT(&set), 1);
}

// Cores of the clusters with the fastest cores; all cores where cpuinfo tells no frequencies.
int big_cores() {
  if (!cpuinfo_initialize()) return 1;
  uint64_t fastest = 0;
  for (uint32_t i = 0; i < cpuinfo_get_clusters_count(); ++i) {
    fastest = std::max(fastest, cpuinfo_get_cluster(i)->frequency);
  }
  uint32_t cores = 0;
  for (uint32_t i = 0; i < cpuinfo_get_clusters_count(); ++i) {
    const cpuinfo_cluster* cluster = cpuinfo_get_cluster(i);
    if (cluster->frequency == fastest) cores += cluster->core_count;
  }
  return static_cast<int>(std::max(cores, 1U));
}

}  // namespace

int default_thread_count() { return std::min(big_cores(), allowed_processors()); }

}  // namespace octet
