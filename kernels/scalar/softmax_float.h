// Softmax of float32 rows: plain loops that compilers turn into vectors. Each table's file includes
// it, compiled with that table's flags; IEEE arithmetic in a fixed order gives the same bytes.
#pragma once

#include <cstddef>

#include "kernels/scalar/exact_math.h"

namespace octet::kernels {
namespace {

/// Rows are taken in blocks of about this many values.
constexpr std::size_t softmax_block = 512;

/// Replaces each value by its exponential, rounded to float32. A function of its own, since it is
/// long and vectorised.
[[gnu::noinline]] inline void exponentials(double* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<double>(static_cast<float>(exp_float64(values[i])));
  }
}

/// Softmax of rows that together have at most a block of values. `fixed_count` is their length
/// where it is known at compile time, else 0: a loop over the two values of a row costs more than
/// its body.
template <std::size_t fixed_count>
inline void softmax_short_rows(const float* input, float* output, std::size_t rows,
                               std::size_t row_count) {
  const std::size_t count = fixed_count > 0 ? fixed_count : row_count;
  double values[softmax_block];
  double sums[softmax_block];
  for (std::size_t r = 0; r < rows; ++r) {
    const float* x = input + r * count;
    float largest = x[0];
    for (std::size_t i = 1; i < count; ++i) largest = largest < x[i] ? x[i] : largest;
    for (std::size_t i = 0; i < count; ++i) {
      values[r * count + i] = static_cast<double>(x[i]) - static_cast<double>(largest);
    }
  }
  exponentials(values, rows * count);
  for (std::size_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += values[r * count + i];
    for (std::size_t i = 0; i < count; ++i) sums[r * count + i] = sum;
  }
  for (std::size_t i = 0; i < rows * count; ++i) {
    output[i] = static_cast<float>(values[i] / sums[i]);
  }
}

inline void softmax_long_row(const float* input, float* output, std::size_t count) {
  float largest = input[0];
  for (std::size_t i = 1; i < count; ++i) largest = largest < input[i] ? input[i] : largest;
  double sum = 0;
  double values[softmax_block];
  for (std::size_t begin = 0; begin < count; begin += softmax_block) {
    const std::size_t here = count - begin < softmax_block ? count - begin : softmax_block;
    for (std::size_t i = 0; i < here; ++i) {
      values[i] = static_cast<double>(input[begin + i]) - static_cast<double>(largest);
    }
    exponentials(values, here);
    for (std::size_t i = 0; i < here; ++i) {
      output[begin + i] = static_cast<float>(values[i]);
      sum += values[i];
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    output[i] = static_cast<float>(static_cast<double>(output[i]) / sum);
  }
}

inline void softmax_rows(const float* input, float* output, std::size_t rows, std::size_t count) {
  if (count > softmax_block) {
    for (std::size_t row = 0; row < rows; ++row) {
      softmax_long_row(input + row * count, output + row * count, count);
    }
    return;
  }
  const std::size_t rows_a_block = softmax_block / count;
  for (std::size_t row = 0; row < rows; row += rows_a_block) {
    const std::size_t here = rows - row < rows_a_block ? rows - row : rows_a_block;
    const float* from = input + row * count;
    float* to = output + row * count;
    if (count == 2) {
      softmax_short_rows<2>(from, to, here, count);
    } else {
      softmax_short_rows<0>(from, to, here, count);
    }
  }
}

}  // namespace
}  // namespace octet::kernels
