// Values of a transposed convolution's channels, for the channels of the convolution that it
// becomes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace octet::loaders::onnx {

/// `values` one an output channel of a group, repeated for all phases and groups.
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

}  // namespace octet::loaders::onnx
