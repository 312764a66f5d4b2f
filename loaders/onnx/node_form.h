// What ONNX allows in a node: the attributes of its operator, and the number of its inputs and
// outputs.
#pragma once

#include <string>

#include "loaders/onnx/node.h"

namespace octet::loaders::onnx {

/// Throws LoadError if the node has something that its operator does not have in the node's
/// operator set. The author meant something by it, and octet must not ignore it silently. The
/// operator has to be one that octet reads; `domain` is "" for ONNX's own.
void check_form(const std::string& domain, const Node& node);

}  // namespace octet::loaders::onnx
