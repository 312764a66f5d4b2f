#include "loaders/tflite/options.h"

namespace octet::loaders::tflite {

Bounds bounds_of(const Node& node, format::Activation activation) {
  switch (activation) {
    case format::Activation::NONE:
      return {};
    case format::Activation::RELU:
      return {.min = 0};
    case format::Activation::RELU_N1_TO_1:
      return {.min = -1, .max = 1};
    case format::Activation::RELU6:
      return {.min = 0, .max = 6};
    default:
      break;
  }
  const std::string name = format::EnumNameActivation(activation);
  node.missing("with the fused activation " +
               (name.empty() ? std::to_string(static_cast<int>(activation)) : name));
}

Window window_of(const Node& node, const WindowRequest& r, const Shape& input) {
  const auto in_range = [](int32_t value) { return value >= 1 && value <= 1 << 15; };
  if (!in_range(r.kernel_h) || !in_range(r.kernel_w) || !in_range(r.stride_h) ||
      !in_range(r.stride_w) || !in_range(r.dilation_h) || !in_range(r.dilation_w))
    node.fail("has a kernel, stride or dilation out of range");
  Window window{.kernel_h = r.kernel_h,
                .kernel_w = r.kernel_w,
                .stride_h = r.stride_h,
                .stride_w = r.stride_w,
                .dilation_h = r.dilation_h,
                .dilation_w = r.dilation_w};
  if (r.padding == format::Padding::VALID) return window;
  if (r.padding != format::Padding::SAME) node.fail("has an unknown padding");
  const Padding h = same_padding(input[1], r.kernel_h, r.stride_h, r.dilation_h, true);
  const Padding w = same_padding(input[2], r.kernel_w, r.stride_w, r.dilation_w, true);
  window.pad_top = h.before;
  window.pad_bottom = h.after;
  window.pad_left = w.before;
  window.pad_right = w.after;
  return window;
}

}  // namespace octet::loaders::tflite
