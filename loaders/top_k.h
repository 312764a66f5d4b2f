// The number of values that a top_k gives.
#pragma once

#include <cstdint>
#include <string>

namespace octet::loaders {

/// Fails by `node.fail` unless 1 <= k <= extent. `axis` is what the format calls the axis, such as
/// "axis 1"; `redo` is what the user does with the model, such as "export".
template <class Node>
int32_t checked_k(const Node& node, int64_t k, int32_t extent, const std::string& axis,
                  const char* redo) {
  if (k < 1 || k > extent) {
    node.fail("takes " + std::to_string(k) + " values of the " + std::to_string(extent) +
              " along " + axis + ": " + redo + " the model with a k of 1 to " +
              std::to_string(extent));
  }
  return static_cast<int32_t>(k);
}

}  // namespace octet::loaders
