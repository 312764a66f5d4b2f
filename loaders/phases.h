// Makes a transposed convolution an ordinary one. With stride s, the outputs at positions u * s + r
// are, for each phase r, a convolution of stride 1 with every s-th weight. All phases together are
// one convolution with s * s times as many channels, whose result is then laid out in space. If the
// kernel is a multiple of the stride, no product is wasted. The convolution runs in int8 like any
// other (Shi et al. 2016, 'Is the deconvolution layer the same as a convolutional layer?').
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace octet::loaders {

/// The plan for one axis of the image and of the convolution that makes it.
struct AxisPlan {
  int32_t kernel = 1;
  int32_t stride = 1;
  int32_t dilation = 1;
  int32_t taps = 1;    ///< Taps of the convolution of one phase.
  int32_t before = 0;  ///< How many rows are cut off at the beginning of the whole result.
  int32_t output = 0;

  /// How many rows of zeros follow the input, so that the whole result contains the output.
  int32_t pad_after(int32_t input) const {
    const int32_t whole = (input - 1 + taps) * stride;
    const int32_t lacking = std::max(before + output - whole, 0);
    return taps - 1 + (lacking + stride - 1) / stride;
  }

  /// The index of the weight for tap `tap` of phase `phase`. -1 if there is none, because the tap
  /// lies beyond the kernel or between dilated taps.
  int32_t source(int32_t phase, int32_t tap) const {
    const int32_t at = phase + (taps - 1 - tap) * stride;
    return at % dilation == 0 && at / dilation < kernel ? at / dilation : -1;
  }
};

/// What a file says about one axis.
struct AxisRequest {
  int32_t input = 0;
  int64_t pad_before = 0;
  int64_t pad_after = 0;
  int64_t output_padding = 0;
  int64_t output = 0;  ///< 0: it follows from the paddings.
  bool same = false;   ///< Whether the output is the input times the stride.
  /// With `same` or a given output: whether an odd rest of padding goes to the end.
  bool upper = false;
};

/// Returns nothing if paddings or the output size are out of range. The stride and the dilation
/// must be at least 1.
std::optional<AxisPlan> plan_axis(int32_t kernel, int32_t stride, int32_t dilation,
                                  const AxisRequest& request);

/// Rearranges weights [I, O / groups, kh, kw] to [groups * phases * O / groups, taps h, taps w, I /
/// groups]. `zeros` is one value, or one for each output channel of a group.
template <class T>
std::vector<T> phase_weights(std::span<const T> from, const Shape& shape, int32_t groups,
                             const AxisPlan& h, const AxisPlan& w, std::span<const T> zeros) {
  const int32_t inputs = shape[0] / groups;
  const int32_t outputs = shape[1];
  std::vector<T> to;
  for (int32_t g = 0; g < groups; ++g) {
    for (int32_t phase = 0; phase < h.stride * w.stride; ++phase) {
      for (int32_t o = 0; o < outputs; ++o) {
        for (int32_t tap = 0; tap < h.taps * w.taps; ++tap) {
          const int32_t kh = h.source(phase / w.stride, tap / w.taps);
          const int32_t kw = w.source(phase % w.stride, tap % w.taps);
          for (int32_t i = 0; i < inputs; ++i) {
            const int32_t row = ((g * inputs + i) * outputs + o) * shape[2] + kh;
            to.push_back(kh < 0 || kw < 0
                             ? zeros[zeros.size() == 1 ? 0 : static_cast<std::size_t>(o)]
                             : from[static_cast<std::size_t>(row * shape[3] + kw)]);
          }
        }
      }
    }
  }
  return to;
}

/// Returns the attributes of the convolution for an image of shape `input` [N, H, W, C].
ConvAttributes phase_convolution(const Shape& input, int32_t groups, const AxisPlan& h,
                                 const AxisPlan& w, bool has_bias);

/// A node that lays phases out in space.
struct LayoutNode {
  Op op;
  Attributes attributes;
  std::string suffix;  ///< The suffix of its name.
  std::size_t rank = 4;
};

/// Returns the nodes, one after another, that make the image of the convolution's result, whose
/// shape `stored` is [N, H, W, groups * phases * C]. No node is needed for a single phase that is
/// not cut.
std::vector<LayoutNode> to_space(const Shape& stored, int32_t groups, const AxisPlan& h,
                                 const AxisPlan& w);

/// Repeats `values` for the channels of the ordinary convolution. With `of_all_channels`, there is
/// a value for each output channel; otherwise one for each output channel of a group.
template <class T>
std::vector<T> for_phases(const std::vector<T>& values, int32_t phases, int32_t groups,
                          bool of_all_channels) {
  if (values.size() <= 1) return values;
  const std::size_t group =
      of_all_channels ? values.size() / static_cast<std::size_t>(groups) : values.size();
  std::vector<T> out;
  for (std::size_t g = 0; g < static_cast<std::size_t>(groups); ++g) {
    const std::size_t first = of_all_channels ? g * group : 0;
    for (int32_t phase = 0; phase < phases; ++phase) {
      for (std::size_t o = 0; o < group; ++o) out.push_back(values[first + o]);
    }
  }
  return out;
}

/// Repeats values, one for each output channel, for the channels of the convolution.
std::vector<float> for_channels(const std::vector<float>& values, int32_t phases, int32_t groups);

/// A convolution that computes the phases of a transposed one. Each channel of the result has
/// `phases` channels here, in the order [groups][phases][channels of a group].
struct PhasedLayer {
  /// The convolution's output, before its phases are laid out in space.
  graph::TensorId output = 0;
  int32_t phases = 1;
  int32_t groups = 1;
};

/// Puts a node right behind the convolution, where the passes can fuse the two. Returns its output.
graph::TensorId insert_behind(graph::Graph& graph, const PhasedLayer& layer,
                              const std::string& name, Op op, Attributes attributes,
                              const std::vector<graph::TensorId>& parameters);

}  // namespace octet::loaders
