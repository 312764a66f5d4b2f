// Softmax of float32 rows: plain loops that compilers turn into vectors. Each table's file includes
// it, compiled with that table's flags; IEEE arithmetic in a fixed order gives the same bytes.
#pragma once

#include <cstddef>

#include "kernels/exact_math.h"

namespace octet::kernels {
namespace {

/// Rows are taken in blocks of about this many values.
constexpr std::size_t softmax_block = 512;

inline void softmax_rows(const float* input, float* output, std::size_t rows, std::size_t count) {
  if (count > softmax_block) {
    for (std::size_t row = 0; row < rows; ++row, input += count, output += count) {
      float largest = input[0];
      for (std::size_t i = 1; i < count; ++i) largest = largest < input[i] ? input[i] : largest;
      double sum = 0;
      for (std::size_t i = 0; i < count; ++i) {
        output[i] = static_cast<float>(
            exp_float64(static_cast<double>(input[i]) - static_cast<double>(largest)));
        sum += static_cast<double>(output[i]);
      }
      for (std::size_t i = 0; i < count; ++i) {
        output[i] = static_cast<float>(static_cast<double>(output[i]) / sum);
      }
    }
    return;
  }
  double values[softmax_block];
  double sums[softmax_block];
  const std::size_t rows_a_block = softmax_block / count;
  for (std::size_t row = 0; row < rows; row += rows_a_block) {
    const std::size_t here = rows - row < rows_a_block ? rows - row : rows_a_block;
    const float* from = input + row * count;
    float* to = output + row * count;
    for (std::size_t r = 0; r < here; ++r) {
      const float* x = from + r * count;
      float largest = x[0];
      for (std::size_t i = 1; i < count; ++i) largest = largest < x[i] ? x[i] : largest;
      for (std::size_t i = 0; i < count; ++i) {
        values[r * count + i] = static_cast<double>(x[i]) - static_cast<double>(largest);
      }
    }
    // Rounded to float32 before they are added up.
    for (std::size_t i = 0; i < here * count; ++i) {
      values[i] = static_cast<double>(static_cast<float>(exp_float64(values[i])));
    }
    for (std::size_t r = 0; r < here; ++r) {
      double sum = 0;
      for (std::size_t i = 0; i < count; ++i) sum += values[r * count + i];
      for (std::size_t i = 0; i < count; ++i) sums[r * count + i] = sum;
    }
    for (std::size_t i = 0; i < here * count; ++i) {
      to[i] = static_cast<float>(values[i] / sums[i]);
    }
  }
}

}  // namespace
}  // namespace octet::kernels
