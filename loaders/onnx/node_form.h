// What ONNX lets a node be: its operator's attributes, and how many inputs and outputs it has.
#pragma once

#include <string>

#include "loaders/onnx/node.h"

namespace octet::loaders::onnx {

/// Throws LoadError where the node has what its operator has not in the node's operator set: a
/// file's author meant something by it that octet would leave out without a word. The operator is one
/// that octet reads; `domain` is "" for ONNX's own.
void check_form(const std::string& domain, const Node& node);

}  // namespace octet::loaders::onnx
