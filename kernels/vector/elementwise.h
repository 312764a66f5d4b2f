// Operators on runs of values: a template of the instruction set's Simd. kernels/kernels.h says
// what they compute.
//
// A vector of bytes becomes four vectors of float32 and back, in whatever order unpacking leaves
// them: packing undoes it. Where a conversion to s32 could overflow, which no sane scale comes
// near, the reference does the work.
#pragma once

#include "kernels/kernel_set.h"
#include "kernels/vector/epilogue.h"

namespace octet::kernels {
namespace {

template <class Simd>
struct Elementwise {
  using Int = typename Simd::Int;
  using Float = typename Simd::Float;
  static constexpr std::size_t chunk = Simd::bytes;

  static bool fits_s32(float largest) { return largest < 0x1p30F; }
  static float magnitude(float x) { return __builtin_fabsf(x); }

  /// Rounds, adds the zero point, clamps and packs four vectors.
  struct Output {
    Output(int32_t z, int32_t low, int32_t high)
        : zero_point(Simd::set_s16(z)), min(Simd::set_u8(low)), max(Simd::set_u8(high)) {}

    Int operator()(const Float (&x)[4]) const {
      return Simd::min_u8(Simd::max_u8(unbounded(x), min), max);
    }
    /// Clamps only to [0, 255].
    Int unbounded(const Float (&x)[4]) const {
      const Int ab = Simd::pack_s16(Simd::round(x[0]), Simd::round(x[1]));
      const Int cd = Simd::pack_s16(Simd::round(x[2]), Simd::round(x[3]));
      return Simd::pack_u8(Simd::add_saturated_s16(ab, zero_point),
                           Simd::add_saturated_s16(cd, zero_point));
    }

    Int zero_point;
    Int min;
    Int max;
  };

  /// out = float(x - zero_point), where `biased_zero_point` is 2^23 + zero_point.
  static void differences(Int bytes, Float biased_zero_point, Float (&out)[4]) {
    residual_vectors<Simd>(bytes, out);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) out[i] = Simd::subtract(out[i], biased_zero_point);
  }
  static Float biased(int32_t zero_point) {
    return Simd::set(0x1p23F + static_cast<float>(zero_point));
  }

  /// output = compute(input), a vector at a time; the last, shorter one goes through a buffer.
  template <class Compute>
  static void map(const uint8_t* input, uint8_t* output, std::size_t count,
                  const Compute& compute) {
    std::size_t i = 0;
    for (; i + chunk <= count; i += chunk) {
      Simd::store(output + i, compute(Simd::load(input + i)));
    }
    if (i == count) return;
    alignas(64) uint8_t last[chunk] = {};
    __builtin_memcpy(last, input + i, count - i);
    Simd::store(last, compute(Simd::load(last)));
    __builtin_memcpy(output + i, last, count - i);
  }

  /// An operand of a binary operator: values, or one value for the whole row.
  struct Operand {
    Operand(const uint8_t* from, std::size_t s) : values(from), stride(s) {}

    Int at(std::size_t i) const {
      return stride != 0 ? Simd::load(values + i) : Simd::set_u8(*values);
    }
    Int last(std::size_t i, std::size_t count) const {
      if (stride == 0) return Simd::set_u8(*values);
      alignas(64) uint8_t buffer[chunk] = {};
      __builtin_memcpy(buffer, values + i, count);
      return Simd::load(buffer);
    }

    const uint8_t* values;
    std::size_t stride;
  };

  template <class Compute>
  static void map(const BinaryRow& row, const Compute& compute) {
    if (row.count == 0) return;
    const Operand a(row.a, row.a_stride);
    const Operand b(row.b, row.b_stride);
    std::size_t i = 0;
    for (; i + chunk <= row.count; i += chunk) {
      Simd::store(row.output + i, compute(a.at(i), b.at(i)));
    }
    if (i == row.count) return;
    alignas(64) uint8_t last[chunk];
    Simd::store(last, compute(a.last(i, row.count - i), b.last(i, row.count - i)));
    __builtin_memcpy(row.output + i, last, row.count - i);
  }

  static void add(const AddParams& p, const BinaryRow& row) {
    if (!fits_s32(255.0F * magnitude(p.a_multiplier) + 255.0F * magnitude(p.b_multiplier))) {
      return KernelSet<Reference>::add(p, row);
    }
    const Output output(p.output_zero_point, p.output_min, p.output_max);
    const Float za = biased(p.a_zero_point);
    const Float zb = biased(p.b_zero_point);
    const Float ma = Simd::set(p.a_multiplier);
    const Float mb = Simd::set(p.b_multiplier);
    map(row, [&](Int a, Int b) {
      Float x[4];
      Float y[4];
      differences(a, za, x);
      differences(b, zb, y);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        x[i] = Simd::add(Simd::multiply(x[i], ma), Simd::multiply(y[i], mb));
      }
      return output(x);
    });
  }

  static void mul(const MulParams& p, const BinaryRow& row) {
    if (!fits_s32(65025.0F * magnitude(p.multiplier))) return KernelSet<Reference>::mul(p, row);
    const Output output(p.output_zero_point, p.output_min, p.output_max);
    const Float za = biased(p.a_zero_point);
    const Float zb = biased(p.b_zero_point);
    const Float m = Simd::set(p.multiplier);
    map(row, [&](Int a, Int b) {
      Float x[4];
      Float y[4];
      differences(a, za, x);
      differences(b, zb, y);
      // The product of two differences is an integer below 2^16, so it is exact.
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) x[i] = Simd::multiply(Simd::multiply(x[i], y[i]), m);
      return output(x);
    });
  }

  static void requantize(const RequantizeParams& p, const uint8_t* input, uint8_t* to,
                         std::size_t count) {
    if (!fits_s32(255.0F * magnitude(p.multiplier))) {
      return KernelSet<Reference>::requantize(p, input, to, count);
    }
    const Output output(p.output_zero_point, p.output_min, p.output_max);
    const Float z = biased(p.input_zero_point);
    const Float m = Simd::set(p.multiplier);
    map(input, to, count, [&](Int bytes) {
      Float x[4];
      differences(bytes, z, x);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) x[i] = Simd::multiply(x[i], m);
      return output(x);
    });
  }

  static void quantize(const QuantizeParams& p, const float* input, uint8_t* to,
                       std::size_t count) {
    const Output output(p.zero_point, 0, 255);
    const Float inverse = Simd::set(p.inverse_scale);
    const Float low = Simd::set(static_cast<float>(-p.zero_point));
    const Float high = Simd::set(static_cast<float>(255 - p.zero_point));
    const auto compute = [&](const float* from) {
      Float x[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const Float scaled = Simd::multiply(Simd::load_float(from + i * Simd::lanes), inverse);
        x[i] = Simd::min(Simd::max(Simd::nan_to_zero(scaled), low), high);
      }
      return Simd::natural_order(output.unbounded(x));
    };
    std::size_t i = 0;
    for (; i + chunk <= count; i += chunk) Simd::store(to + i, compute(input + i));
    if (i == count) return;
    alignas(64) float last[chunk] = {};
    alignas(64) uint8_t bytes[chunk];
    __builtin_memcpy(last, input + i, (count - i) * sizeof(float));
    Simd::store(bytes, compute(last));
    __builtin_memcpy(to + i, bytes, count - i);
  }

  /// The coefficients repeat after lcm(channels, chunk) bytes, which are 1 or 3 vectors.
  static void affine_channels(const AffineChannelsParams& p, const uint8_t* input, uint8_t* to,
                              std::size_t pixels) {
    constexpr std::size_t most = AffineChannelsParams::max_channels - 1;
    const std::size_t vectors = p.channels == 3 ? 3 : 1;
    alignas(64) float scale[most][4][Simd::lanes];
    alignas(64) float offset[most][4][Simd::lanes];
    for (std::size_t at = 0; at < vectors * chunk; ++at) {
      // Unpacking byte 16 L + 4 v + i of a vector leaves it in lane 4 L + i of vector v.
      const std::size_t byte = at % chunk;
      const std::size_t v = byte % 16 / 4;
      const std::size_t lane = byte / 16 * 4 + byte % 4;
      scale[at / chunk][v][lane] = p.scale[at % p.channels];
      offset[at / chunk][v][lane] = p.offset[at % p.channels];
    }
    const Output output(p.zero_point, 0, 255);
    const Float zero = biased(0);
    const auto compute = [&](Int bytes, std::size_t vector) {
      Float x[4];
      differences(bytes, zero, x);
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        x[v] = Simd::add(Simd::multiply(x[v], Simd::load_float(scale[vector][v])),
                         Simd::load_float(offset[vector][v]));
      }
      return output.unbounded(x);
    };
    const auto make = [&](std::size_t at, std::size_t vector) {
      Simd::store(to + at, compute(Simd::load(input + at), vector));
    };
    const std::size_t count = pixels * p.channels;
    std::size_t i = 0;
    if (vectors == 3) {
      for (; i + 3 * chunk <= count; i += 3 * chunk) {
        make(i, 0);
        make(i + chunk, 1);
        make(i + 2 * chunk, 2);
      }
    }
    std::size_t vector = 0;
    for (; i + chunk <= count; i += chunk) make(i, vectors == 3 ? vector++ : 0);
    if (i == count) return;
    alignas(64) uint8_t last[chunk] = {};
    __builtin_memcpy(last, input + i, count - i);
    Simd::store(last, compute(Simd::load(last), vector));
    __builtin_memcpy(to + i, last, count - i);
  }

  /// The table is 16 pieces of 16 entries. Every byte is looked up in each of them and finds 0 in
  /// all but its own: a shuffle gives 0 where an index has its upper bit set, and adding 0x70 with
  /// saturation sets that bit from 16 on.
  static void look_up_pieces(const uint8_t* table, const uint8_t* input, uint8_t* to,
                             std::size_t count) {
    constexpr int piece = 16;
    Int pieces[256 / piece];
#pragma GCC unroll 16
    for (int i = 0; i < 256 / piece; ++i) pieces[i] = Simd::broadcast_128(table + i * piece);
    const Int next = Simd::set_u8(piece);
    const Int beyond = Simd::set_u8(0x70);
    map(input, to, count, [&](Int bytes) {
      Int found = Simd::zero();
#pragma GCC unroll 16
      for (int i = 0; i < 256 / piece; ++i) {
        const Int index = Simd::add_saturated_u8(bytes, beyond);
        found = Simd::bit_or(found, Simd::shuffle_u8(pieces[i], index));
        bytes = Simd::subtract_u8(bytes, next);
      }
      return found;
    });
  }

  static void lookup(const uint8_t* table, const uint8_t* input, uint8_t* to, std::size_t count) {
    if constexpr (requires { Simd::look_up(table, input, to, count); }) {
      Simd::look_up(table, input, to, count);
    } else {
      look_up_pieces(table, input, to, count);
    }
  }

  static void dequantize(const DequantizeParams& p, const uint8_t* input, float* to,
                         std::size_t count) {
    const Float z = biased(p.zero_point);
    const Float scale = Simd::set(p.scale);
    const auto compute = [&](Int bytes, float* out) {
      Float x[4];
      differences(Simd::pack_order(bytes), z, x);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        Simd::store_float(out + i * Simd::lanes, Simd::multiply(scale, x[i]));
      }
    };
    std::size_t i = 0;
    for (; i + chunk <= count; i += chunk) compute(Simd::load(input + i), to + i);
    if (i == count) return;
    alignas(64) uint8_t bytes[chunk] = {};
    alignas(64) float last[chunk];
    __builtin_memcpy(bytes, input + i, count - i);
    compute(Simd::load(bytes), last);
    __builtin_memcpy(to + i, last, (count - i) * sizeof(float));
  }
};

}  // namespace
}  // namespace octet::kernels
