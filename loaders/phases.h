// A transposed convolution as an ordinary one: with stride s, the outputs at positions u * s + r
// are, for each phase r, a convolution of stride 1 with every s-th weight. All phases together are
// one convolution of s * s times as many channels, whose result is then laid out in space. No
// product is wasted where the kernel is a multiple of the stride, and it runs in int8 like any
// other (Shi et al. 2016, 'Is the deconvolution layer the same as a convolutional layer?').
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

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

}  // namespace octet::loaders
