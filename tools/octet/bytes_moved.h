#pragma once

#include <cstddef>

#include "octet/octet.hpp"

namespace octet::tool {

/// -> bytes of a node's weights, operands and results: what it has to read and write.
std::size_t bytes_moved(const NodeInfo& node);

}  // namespace octet::tool
