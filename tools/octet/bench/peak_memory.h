// Measures the most memory that something took.
#pragma once

#include <cstddef>
#include <optional>

namespace octet::tool {

/// The most memory that this process has taken since the object was made, without files that it
/// maps. Only one object may be in use at a time: the system has one peak, and each object resets
/// it.
class PeakMemory {
 public:
  PeakMemory();
  /// Returns bytes, exact to a few pages; none where the system does not say.
  std::optional<std::size_t> bytes() const;

 private:
  std::size_t before_ = 0;        // resident
  std::size_t files_before_ = 0;  // of it, files
  bool known_ = false;
};

}  // namespace octet::tool
