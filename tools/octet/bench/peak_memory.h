// How much memory something took at its worst.
#pragma once

#include <cstddef>
#include <optional>

namespace octet::tool {

/// Memory of this process's own, without files that it maps, that came to be since the object was
/// made. One at a time: the system has one peak, which each begins anew.
class PeakMemory {
 public:
  PeakMemory();
  /// -> bytes, to some pages; none where the system does not tell.
  std::optional<std::size_t> bytes() const;

 private:
  std::size_t before_ = 0;        // resident
  std::size_t files_before_ = 0;  // of it, files
  bool known_ = false;
};

}  // namespace octet::tool
