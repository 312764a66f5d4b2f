// The inputs of an ONNX graph and their shapes.
#pragma once

#include "loaders/load_options.h"
#include "loaders/onnx/builder.h"

namespace octet::loaders::onnx {

/// Adds the inputs that are no initializers. An input that nobody reads is left out, with a remark.
/// A dynamic batch becomes 1. Other dynamic extents come from the options; without them, an error
/// says how to give them.
void add_inputs(const GraphProto& graph, const LoadOptions& options, Builder& builder);

}  // namespace octet::loaders::onnx
