// Pooling: a template of the instruction set's Simd. kernels/kernels.h says what it computes.
#pragma once

#include "kernels/kernel_set.h"
#include "kernels/vector/elementwise.h"

namespace octet::kernels {
namespace {

template <class Simd>
struct Pool {
  using Int = typename Simd::Int;
  using Float = typename Simd::Float;
  static constexpr std::size_t chunk = Simd::bytes;

  /// Some neighbouring taps of a window along one axis: how many, and where the first one reads.
  struct Taps {
    int32_t count;
    std::size_t first;
  };

  /// The taps k with low <= begin + k * dilation < high. The first one reads at begin + k *
  /// dilation; `first` is its distance from `low`.
  static Taps taps_within(int32_t begin, int32_t kernel, int32_t dilation, int32_t low,
                          int32_t high) {
    if (begin >= low && begin + (kernel - 1) * dilation < high) {
      return {.count = kernel, .first = static_cast<std::size_t>(begin - low)};
    }
    int32_t from = 0;
    while (from < kernel && begin + from * dilation < low) ++from;
    int32_t to = kernel;
    while (to > from && begin + (to - 1) * dilation >= high) --to;
    return {.count = to - from, .first = static_cast<std::size_t>(begin + from * dilation - low)};
  }

  struct Image {
    explicit Image(const PoolParams& p)
        : channels(static_cast<std::size_t>(p.channels)),
          row(static_cast<std::size_t>(p.input_w) * channels),
          size(static_cast<std::size_t>(p.input_h) * row),
          row_stride(static_cast<std::size_t>(p.window.dilation_h) * row),
          column_stride(static_cast<std::size_t>(p.window.dilation_w) * channels) {}

    std::size_t channels;
    std::size_t row;
    std::size_t size;
    std::size_t row_stride;
    std::size_t column_stride;
  };

  /// Writes a vector of bytes to [to, end). It is written whole wherever it fits: what it writes
  /// beyond its channels is overwritten later.
  static void store(uint8_t* to, const uint8_t* end, Int bytes) {
    const auto room = static_cast<std::size_t>(end - to);
    if (room >= chunk) {
      Simd::store(to, bytes);
    } else {
      Simd::store_first(to, bytes, room);
    }
  }

  static void max_pool(const PoolParams& p, const uint8_t* input, uint8_t* output, Range rows) {
    const Image image(p);
    const Window& w = p.window;
    const Int low = Simd::set_u8(p.output_min);
    const Int high = Simd::set_u8(p.output_max);
    const auto output_w = static_cast<std::size_t>(p.output_w);
    const auto output_h = static_cast<std::size_t>(p.output_h);
    const uint8_t* const end = output + rows.end * output_w * image.channels;
    for (std::size_t row = rows.begin; row < rows.end; ++row) {
      const int32_t top = static_cast<int32_t>(row % output_h) * w.stride_h - w.pad_top;
      const Taps vertical = taps_within(top, w.kernel_h, w.dilation_h, 0, p.input_h);
      const uint8_t* first_row = input + row / output_h * image.size + vertical.first * image.row;
      uint8_t* to = output + row * output_w * image.channels;
      for (int32_t column = 0; column < p.output_w; ++column, to += image.channels) {
        const Taps horizontal =
            taps_within(column * w.stride_w - w.pad_left, w.kernel_w, w.dilation_w, 0, p.input_w);
        const uint8_t* window = first_row + horizontal.first * image.channels;
        if (vertical.count == 2 && horizontal.count == 2) {
          for (std::size_t c = 0; c < image.channels; c += chunk) {
            const uint8_t* from = window + c;
            const Int above =
                Simd::max_u8(Simd::load(from), Simd::load(from + image.column_stride));
            from += image.row_stride;
            const Int below =
                Simd::max_u8(Simd::load(from), Simd::load(from + image.column_stride));
            store(to + c, end, Simd::min_u8(Simd::max_u8(Simd::max_u8(above, below), low), high));
          }
          continue;
        }
        for (std::size_t c = 0; c < image.channels; c += chunk) {
          Int largest = low;
          const uint8_t* from = window + c;
          for (int32_t kh = 0; kh < vertical.count; ++kh, from += image.row_stride) {
            const uint8_t* tap = from;
            for (int32_t kw = 0; kw < horizontal.count; ++kw, tap += image.column_stride) {
              largest = Simd::max_u8(largest, Simd::load(tap));
            }
          }
          store(to + c, end, Simd::min_u8(largest, high));
        }
      }
    }
  }

  /// Sums of at most 257 bytes fit u16.
  static constexpr int32_t taps_of_u16 = 257;

  /// Sums of a vector of bytes over a window, as s32. Packing restores the order of the bytes.
  struct Sums {
    Int sum[4] = {Simd::zero(), Simd::zero(), Simd::zero(), Simd::zero()};
    Int low = Simd::zero();
    Int high = Simd::zero();
    int32_t taps = 0;

    void add(Int bytes) {
      low = Simd::add_s16(low, Simd::unpack_low_u8(bytes, Simd::zero()));
      high = Simd::add_s16(high, Simd::unpack_high_u8(bytes, Simd::zero()));
      if (++taps == taps_of_u16) widen();
    }
    void widen() {
      sum[0] = Simd::add_s32(sum[0], Simd::unpack_low_s16(low, Simd::zero()));
      sum[1] = Simd::add_s32(sum[1], Simd::unpack_high_s16(low, Simd::zero()));
      sum[2] = Simd::add_s32(sum[2], Simd::unpack_low_s16(high, Simd::zero()));
      sum[3] = Simd::add_s32(sum[3], Simd::unpack_high_s16(high, Simd::zero()));
      low = high = Simd::zero();
      taps = 0;
    }
  };

  static void average_pool(const PoolParams& p, const uint8_t* input, uint8_t* output, Range rows) {
    const Image image(p);
    const Window& w = p.window;
    if (!Elementwise<Simd>::fits_s32(255.0F * (p.input_scale / p.output_scale))) {
      return KernelSet<Reference>::average_pool(p, input, output, rows);
    }
    const typename Elementwise<Simd>::Output requantized(p.output_zero_point, p.output_min,
                                                         p.output_max);
    const auto output_w = static_cast<std::size_t>(p.output_w);
    const auto output_h = static_cast<std::size_t>(p.output_h);
    const uint8_t* const end = output + rows.end * output_w * image.channels;
    for (std::size_t row = rows.begin; row < rows.end; ++row) {
      const int32_t top = static_cast<int32_t>(row % output_h) * w.stride_h - w.pad_top;
      const Taps vertical = taps_within(top, w.kernel_h, w.dilation_h, 0, p.input_h);
      const Taps padded_vertical =
          taps_within(top, w.kernel_h, w.dilation_h, -w.pad_top, p.input_h + w.pad_bottom);
      const uint8_t* first_row = input + row / output_h * image.size + vertical.first * image.row;
      uint8_t* to = output + row * output_w * image.channels;
      for (int32_t column = 0; column < p.output_w; ++column, to += image.channels) {
        const int32_t left = column * w.stride_w - w.pad_left;
        const Taps horizontal = taps_within(left, w.kernel_w, w.dilation_w, 0, p.input_w);
        const Taps padded_horizontal =
            taps_within(left, w.kernel_w, w.dilation_w, -w.pad_left, p.input_w + w.pad_right);
        const int32_t taps = vertical.count * horizontal.count;
        const int32_t count =
            p.count_include_pad ? padded_vertical.count * padded_horizontal.count : taps;
        // A window that lies in the padding has the sum 0, whatever it is divided by.
        const auto divisor = static_cast<float>(count > 1 ? count : 1);
        const Float multiplier = Simd::set(p.input_scale / (p.output_scale * divisor));
        const Int zero = Simd::set_s32(taps * p.input_zero_point);
        const uint8_t* window = first_row + horizontal.first * image.channels;
        for (std::size_t c = 0; c < image.channels; c += chunk) {
          Sums sums;
          const uint8_t* from = window + c;
          for (int32_t kh = 0; kh < vertical.count; ++kh, from += image.row_stride) {
            const uint8_t* tap = from;
            for (int32_t kw = 0; kw < horizontal.count; ++kw, tap += image.column_stride) {
              sums.add(Simd::load(tap));
            }
          }
          sums.widen();
          Float x[4];
#pragma GCC unroll 4
          for (int i = 0; i < 4; ++i) {
            x[i] =
                Simd::multiply(Simd::to_float(Simd::subtract_s32(sums.sum[i], zero)), multiplier);
          }
          store(to + c, end, requantized(x));
        }
      }
    }
  }
};

}  // namespace
}  // namespace octet::kernels
