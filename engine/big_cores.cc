#include "engine/big_cores.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

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

/// -> the first bytes of a small file; empty where there is none
std::string beginning_of(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  char bytes[256];
  const ssize_t size = ::read(file, bytes, sizeof(bytes));
  ::close(file);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

std::vector<int> allowed_processors() {
  // The kernel refuses a set that is smaller than its own.
  constexpr int most_processors = 1 << 16;
  constexpr int bits_a_word = 8 * sizeof(unsigned long);
  std::vector<unsigned long> words;
  for (int count = 1024; count <= most_processors; count *= 2) {
    words.assign(static_cast<std::size_t>(count / bits_a_word), 0);
    if (sched_getaffinity(0, words.size() * sizeof(unsigned long),
                          reinterpret_cast<cpu_set_t*>(words.data())) == 0) {
      break;
    }
    words.clear();
    if (errno != EINVAL) break;
  }
  std::vector<int> processors;
  for (int i = 0; i < static_cast<int>(words.size()) * bits_a_word; ++i) {
    if ((words[static_cast<std::size_t>(i / bits_a_word)] >> (i % bits_a_word) & 1) != 0) {
      processors.push_back(i);
    }
  }
  return processors;
}

int count_cores(const std::vector<int>& processors, const std::string& folder) {
  std::vector<std::string> known;  // Lists of siblings, which all siblings share.
  int cores = 0;
  for (const int processor : processors) {
    std::string siblings = beginning_of(folder + "/cpu" + std::to_string(processor) +
                                        "/topology/thread_siblings_list");
    if (siblings.empty()) {
      ++cores;
    } else if (std::ranges::find(known, siblings) == known.end()) {
      ++cores;
      known.push_back(std::move(siblings));
    }
  }
  return cores;
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
