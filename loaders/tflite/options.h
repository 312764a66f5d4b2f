// Options that several operators share: fused activations and windows.
#pragma once

#include "engine/operator.h"
#include "loaders/same_padding.h"
#include "loaders/tflite/node.h"

namespace octet::loaders::tflite {

/// Returns the real bounds of a fused activation. Throws MissingOperator for activations that are
/// no bounds.
Bounds bounds_of(const Node& node, format::Activation activation);

/// Describes a window. Its paddings follow from `padding` and the size of the input. An odd rest of
/// SAME goes to the bottom and the right. Throws LoadError for values out of range.
struct WindowRequest {
  int32_t kernel_h = 1;
  int32_t kernel_w = 1;
  int32_t stride_h = 1;
  int32_t stride_w = 1;
  int32_t dilation_h = 1;
  int32_t dilation_w = 1;
  format::Padding padding = format::Padding::SAME;
};
Window window_of(const Node& node, const WindowRequest& request, const Shape& input);

}  // namespace octet::loaders::tflite
