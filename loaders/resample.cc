#include "loaders/resample.h"

#include <algorithm>
#include <cmath>

namespace octet::loaders {

bool is_octets_nearest(const AxisSamples& samples) {
  for (int32_t i = 0; i < samples.output(); ++i) {
    const int64_t pixel = int64_t{i} * samples.input / samples.output();
    if (samples.positions[static_cast<std::size_t>(i)] != static_cast<float>(pixel)) return false;
  }
  return true;
}

bool is_octets_linear(const AxisSamples& samples, bool align_corners) {
  const auto last = static_cast<float>(samples.input - 1);
  const auto in = static_cast<float>(samples.input);
  const auto out = static_cast<float>(samples.output());
  for (int32_t i = 0; i < samples.output(); ++i) {
    const auto index = static_cast<float>(i);
    const float corners = samples.output() == 1 ? 0 : index * (in - 1) / (out - 1);
    const float ours = align_corners ? corners : (index + 0.5f) / (out / in) - 0.5f;
    const float given = samples.positions[static_cast<std::size_t>(i)];
    if (std::abs(std::clamp(given, 0.0f, last) - std::clamp(ours, 0.0f, last)) > 1e-4f)
      return false;
  }
  return true;
}

std::vector<float> resize_matrix(const AxisSamples& samples) {
  const auto in = static_cast<std::size_t>(samples.input);
  std::vector<float> values(samples.positions.size() * in, 0.0f);
  for (std::size_t i = 0; i < samples.positions.size(); ++i) {
    float* row = &values[i * in];
    const float position =
        std::clamp(samples.positions[i], 0.0f, static_cast<float>(samples.input - 1));
    const auto first = static_cast<std::size_t>(position);
    const float share = position - static_cast<float>(first);
    row[first] += 1 - share;
    row[std::min(first + 1, in - 1)] += share;
  }
  return values;
}

}  // namespace octet::loaders
