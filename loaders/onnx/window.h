// Kernel sizes, strides and paddings of ONNX's convolutions and pools.
#pragma once

#include "loaders/onnx/builder.h"

namespace octet::loaders::onnx {

struct ImageSize {
  int32_t h = 0;
  int32_t w = 0;
};

/// Two values of an attribute, or `missing` where it is absent.
ImageSize read_pair(const Node& node, const char* attribute, int32_t missing);

/// Strides, dilations, and `pads` or what `auto_pad` makes of an input of that size.
Window read_window(const Node& node, ImageSize kernel, ImageSize input);

}  // namespace octet::loaders::onnx
