// Resizing by any rule for coordinates, described by where each output pixel of an axis lies in the
// input. Resizings that octet's resize computes become a resize; all others become a small matrix
// along the axis.
#pragma once

#include <cstdint>
#include <vector>

namespace octet::loaders {

struct AxisSamples {
  int32_t axis = 0;
  int32_t input = 1;
  /// One position for each output pixel, in pixels of the input. A whole number is that pixel;
  /// between two pixels, both are mixed; outside of the input, its edge repeats.
  std::vector<float> positions;

  int32_t output() const { return static_cast<int32_t>(positions.size()); }
};

/// Whether each output pixel i takes pixel floor(i * input / output).
bool is_octets_nearest(const AxisSamples& samples);

/// Whether the positions are those of half-pixel centres or, with `align_corners`, of aligned
/// corners.
bool is_octets_linear(const AxisSamples& samples, bool align_corners);

/// Returns a matrix [output, input]. The resized axis is the matrix times the axis.
std::vector<float> resize_matrix(const AxisSamples& samples);

}  // namespace octet::loaders
