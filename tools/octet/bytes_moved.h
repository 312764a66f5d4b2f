#pragma once

#include <cstddef>

#include "octet/octet.hpp"

namespace octet::tool {

/// Returns the bytes of a node's weights, operands and results, all of which it has to read or
/// write.
std::size_t bytes_moved(const NodeInfo& node);

}  // namespace octet::tool
