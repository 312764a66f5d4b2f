// Resizing by any rule of coordinates: where each output pixel of an axis lies in the input. What
// octet's resize computes becomes one; everything else is a small matrix along the axis.
#pragma once

#include <cstdint>
#include <vector>

namespace octet::loaders {

struct AxisSamples {
  int32_t axis = 0;
  int32_t input = 1;
  /// One an output pixel, in pixels of the input: a whole number is that pixel, between two both
  /// are mixed; outside the input its border repeats.
  std::vector<float> positions;

  int32_t output() const { return static_cast<int32_t>(positions.size()); }
};

/// Does each output pixel i take pixel floor(i * input / output)?
bool is_octets_nearest(const AxisSamples& samples);

/// Are the positions those of half-pixel centres, or of aligned corners?
bool is_octets_linear(const AxisSamples& samples, bool align_corners);

/// [output, input]: the axis, resized, is the matrix times the axis.
std::vector<float> resize_matrix(const AxisSamples& samples);

}  // namespace octet::loaders
