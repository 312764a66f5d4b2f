// A transposed convolution as an ordinary one: with stride s, the outputs at positions u * s + r
// are, for each phase r, a convolution of stride 1 with every s-th weight. All phases together are
// one convolution of s * s times as many channels, whose result is then laid out in space. No
// product is wasted where the kernel is a multiple of the stride, and it runs in int8 like any
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

/// One axis of the image, and of the convolution that makes it.
struct AxisPlan {
  int32_t kernel = 1;
  int32_t stride = 1;
  int32_t dilation = 1;
  int32_t taps = 1;    ///< Of the convolution of one phase.
  int32_t before = 0;  ///< Rows of the whole result that are cut off.
  int32_t output = 0;

  /// Rows of zeros after the input, so that the whole result holds the output.
  int32_t pad_after(int32_t input) const {
    const int32_t whole = (input - 1 + taps) * stride;
    const int32_t lacking = std::max(before + output - whole, 0);
    return taps - 1 + (lacking + stride - 1) / stride;
  }

  /// The weight that tap `tap` of phase `phase` takes, or -1: beyond the kernel, or between dilated
  /// taps.
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
  int64_t output = 0;  ///< 0: follows from the paddings.
  bool same = false;   ///< The output is the input times the stride.
  bool upper = false;  ///< Where an odd rest of padding goes with SAME and a given output.
};

/// Null: paddings or an output size out of range. The stride and the dilation are 1 at least.
std::optional<AxisPlan> plan_axis(int32_t kernel, int32_t stride, int32_t dilation,
                                  const AxisRequest& request);

/// Weights [I, O / groups, kh, kw] -> [groups * phases * O / groups, taps h, taps w, I / groups];
/// `zeros` is one value or one an output channel of a group.
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

/// A convolution's attributes for an image of `input` [N, H, W, C].
ConvAttributes phase_convolution(const Shape& input, int32_t groups, const AxisPlan& h,
                                 const AxisPlan& w, bool has_bias);

/// A node that lays phases out in space.
struct LayoutStep {
  Op op;
  Attributes attributes;
  std::string suffix;  ///< Of its name.
  std::size_t rank = 4;
};

/// The result `stored` [N, H, W, groups * phases * C] of the convolution -> the image: one node
/// after another, none for one phase that is not cut.
std::vector<LayoutStep> to_space(const Shape& stored, int32_t groups, const AxisPlan& h,
                                 const AxisPlan& w);

/// Values of the transposed convolution's channels for the channels of the ordinary one: `values`,
/// one an output channel of a group, repeated for all phases and groups.
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

/// Values, one an output channel, for each channel of the convolution.
std::vector<float> for_channels(const std::vector<float>& values, int32_t phases, int32_t groups);

/// A convolution whose channels are the phases of a transposed one: per channel of the result, it
/// has `phases` of its own, [groups][phases][channels of a group].
struct PhasedLayer {
  graph::TensorId output = 0;  ///< Of the convolution, before its phases are laid out in space.
  int32_t phases = 1;
  int32_t groups = 1;
};

/// Puts a node right behind the convolution, where the passes fuse the two. -> its output.
graph::TensorId insert_behind(graph::Graph& graph, const PhasedLayer& layer,
                              const std::string& name, Op op, Attributes attributes,
                              const std::vector<graph::TensorId>& parameters);

}  // namespace octet::loaders
