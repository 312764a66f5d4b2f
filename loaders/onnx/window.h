// Kernel sizes, strides and paddings of ONNX's convolutions and pools.
#pragma once

#include "loaders/onnx/builder.h"

namespace octet::loaders::onnx {

struct ImageSize {
  int32_t h = 0;
  int32_t w = 0;
};

/// Returns the two values of an attribute, or `missing` twice if it is absent.
ImageSize read_pair(const Node& node, const char* attribute, int32_t missing);

/// Returns the strides, the dilations, and the paddings: `pads`, or what `auto_pad` gives for an
/// input of this size.
Window read_window(const Node& node, ImageSize kernel, ImageSize input);

}  // namespace octet::loaders::onnx
