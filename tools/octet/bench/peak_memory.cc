#include "tools/octet/bench/peak_memory.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace octet::tool {
namespace {

/// A field of Linux's /proc/self/status, in bytes.
std::optional<std::size_t> status_field(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) return std::stoul(line.substr(name.size() + 1)) * 1024;
  }
  return std::nullopt;
}

}  // namespace

PeakMemory::PeakMemory() {
  // Writing 5 sets the peak to what is resident now.
  std::ofstream reset("/proc/self/clear_refs");
  reset << "5" << std::flush;
  const auto resident = status_field("VmRSS");
  const auto files = status_field("RssFile");
  known_ = reset.good() && resident && files;
  if (!known_) return;
  before_ = *resident;
  files_before_ = *files;
}

std::optional<std::size_t> PeakMemory::bytes() const {
  const auto peak = status_field("VmHWM");
  const auto files = status_field("RssFile");
  if (!known_ || !peak || !files) return std::nullopt;
  const std::size_t other = before_ + std::max(*files, files_before_) - files_before_;
  return *peak > other ? *peak - other : 0;
}

}  // namespace octet::tool
