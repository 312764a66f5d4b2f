#include "loaders/onnx/window.h"

#include <algorithm>

#include "loaders/same_padding.h"

namespace octet::loaders::onnx {
namespace {

// ONNX allows either auto_pad or pads. Pools in old files have zeros as pads beside auto_pad, which
// ONNX Runtime accepts.
void check_auto_pad(const Node& node, const std::string& automatic) {
  if (automatic == "NOTSET" || automatic.empty()) return;
  if (automatic != "VALID" && automatic != "SAME_UPPER" && automatic != "SAME_LOWER")
    node.fail("has the unknown auto_pad '" + automatic + "'");
  const bool is_pool = node.op().ends_with("Pool");
  const bool none =
      std::ranges::count(node.integers("pads"), 0) == std::ranges::ssize(node.integers("pads"));
  if (node.has("pads") && !(is_pool && none)) {
    node.fail("has both auto_pad '" + automatic +
              "' and pads, of which ONNX allows one: remove the one that is not meant");
  }
}

}  // namespace

ImageSize read_pair(const Node& node, const char* attribute, int32_t missing) {
  const auto given = node.integers(attribute);
  if (given.empty()) return {missing, missing};
  if (given.size() != 2) {
    node.missing("with a '" + std::string(attribute) + "' of " + std::to_string(given.size()) +
                 " values: octet's windows have a height and a width");
  }
  return {node.to_int32(given[0], attribute), node.to_int32(given[1], attribute)};
}

Window read_window(const Node& node, ImageSize kernel, ImageSize input) {
  const ImageSize stride = read_pair(node, "strides", 1);
  const ImageSize dilation = read_pair(node, "dilations", 1);
  const auto in_range = [](ImageSize s) {
    return s.h >= 1 && s.w >= 1 && s.h <= 1 << 15 && s.w <= 1 << 15;
  };
  if (!in_range(kernel) || !in_range(stride) || !in_range(dilation))
    node.fail("has a kernel, stride or dilation out of range");
  Window window{.kernel_h = kernel.h,
                .kernel_w = kernel.w,
                .stride_h = stride.h,
                .stride_w = stride.w,
                .dilation_h = dilation.h,
                .dilation_w = dilation.w};
  const std::string automatic = node.text("auto_pad", "NOTSET");
  check_auto_pad(node, automatic);
  if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
    const bool upper = automatic == "SAME_UPPER";
    const Padding h = same_padding(input.h, kernel.h, stride.h, dilation.h, upper);
    const Padding w = same_padding(input.w, kernel.w, stride.w, dilation.w, upper);
    window.pad_top = h.before;
    window.pad_bottom = h.after;
    window.pad_left = w.before;
    window.pad_right = w.after;
    return window;
  }
  if (automatic == "VALID") return window;
  const auto pads = node.integers("pads");
  if (pads.empty()) return window;
  if (pads.size() != 4) node.missing("with pads of another rank than an image's");
  window.pad_top = node.to_int32(pads[0], "a pad");
  window.pad_left = node.to_int32(pads[1], "a pad");
  window.pad_bottom = node.to_int32(pads[2], "a pad");
  window.pad_right = node.to_int32(pads[3], "a pad");
  return window;
}

}  // namespace octet::loaders::onnx
