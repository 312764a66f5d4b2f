// Nodes of a plain network on XNNPACK's int8 operators, as one runtime.
#pragma once

#include <pthreadpool.h>

#include <map>
#include <memory>
#include <vector>

#include "tools/octet/against/plain_network.h"

namespace octet::tool {

/// A value in one of its two forms: s8 or float32.
struct PlainForm {
  int32_t value = 0;
  bool quantized = false;
  auto operator<=>(const PlainForm&) const = default;
};

class XnnpackStage {
 public:
  /// Values that come from outside or go there. Their memory has 16 bytes more than its values.
  using Outside = std::map<PlainForm, std::byte*>;

  virtual ~XnnpackStage() = default;

  /// `nodes` are indices in order. A value that they read is written by one of them, or is in
  /// `outside`: in the form that they take (s8 where it is quantized) or in float32. Memory,
  /// network and pool outlive the stage. Errors name the node that XNNPACK refuses.
  static Expected<std::unique_ptr<XnnpackStage>> create(const PlainNetwork& network,
                                                        const std::vector<std::size_t>& nodes,
                                                        const Outside& outside, pthreadpool_t pool);

  virtual Expected<void> run() = 0;
};

/// Whether XNNPACK has an int8 operator for the node. The version that octet was built with is
/// asked.
bool xnnpack_has_int8_form(const PlainNetwork& network, std::size_t node);

}  // namespace octet::tool
