// How accumulators become bytes: the end of every vectorised convolution.
//
// Included by each instruction set's own files, with its Simd; everything is in an unnamed
// namespace, so that no code compiled for one CPU can be linked into another's.
#pragma once

#include "kernels/kernels.h"
#include "kernels/vector/rounding.h"

namespace octet::kernels {
namespace {

/// What is added to a convolution's own result. `none`: nothing. `plain`: a residual. `above`,
/// `bounded`: a residual, after the result was kept above a lower bound (a relu of its own), or
/// between two bounds.
enum class Residual { none, plain, above, bounded };

inline Residual residual_kind(const ConvParams& params) {
  if (!params.has_residual) return Residual::none;
  constexpr float infinity = __builtin_inff();
  if (params.inner_max != infinity) return Residual::bounded;
  return params.inner_min != -infinity ? Residual::above : Residual::plain;
}

/// Loads a vector of the residual. It may reach beyond the channels that are computed: those bytes
/// are dropped. Another thread may be writing them, since the sum may replace the residual.
template <class Simd>
inline typename Simd::Int load_residual(const uint8_t* from) {
  return Simd::load(from);
}

/// Undoes Requantizer::pack: turns bytes in pack order into four vectors. A byte r becomes the
/// float32 value 2^23 + r.
template <class Simd>
inline void residual_vectors(typename Simd::Int bytes, typename Simd::Float (&out)[4]) {
  const auto zero = Simd::zero();
  const auto exponent = Simd::set_s16(0x4B00);  // the upper half of float32 2^23
  const auto low = Simd::unpack_low_u8(bytes, zero);
  const auto high = Simd::unpack_high_u8(bytes, zero);
  out[0] = Simd::as_float(Simd::unpack_low_s16(low, exponent));
  out[1] = Simd::as_float(Simd::unpack_high_s16(low, exponent));
  out[2] = Simd::as_float(Simd::unpack_low_s16(high, exponent));
  out[3] = Simd::as_float(Simd::unpack_high_s16(high, exponent));
}

/// What a layer's requantization needs, as vectors.
template <class Simd>
struct Requantizer {
  using Int = typename Simd::Int;
  using Float = typename Simd::Float;

  explicit Requantizer(const ConvParams& params)
      : zero_point(Simd::set_s16(params.output_zero_point)),
        min(Simd::set_u8(params.output_min)),
        max(Simd::set_u8(params.output_max)),
        shifts(params.output_zero_point != 0),
        clamps(params.output_min != 0 || params.output_max != 255),
        residual_multiplier(Simd::set(params.residual_multiplier)),
        residual_zero_point(Simd::set(0x1p23F + static_cast<float>(params.residual_zero_point))),
        inner_min(Simd::set(params.inner_min)),
        inner_max(Simd::set(params.inner_max)),
        rounder(Simd::set(0x1.8p23F + static_cast<float>(params.output_zero_point / 2 * 2))),
        odd(Simd::set_s16(params.output_zero_point % 2)) {}

  /// Packs four vectors of results, rounded to integers, into bytes in pack order: each 128-bit
  /// lane has the lane's 4 values of the first vector, then of the second, and so on. Saturating
  /// packs clamp to [0, 255]. No conversion to s32 overflowed before: see results_fit_s32.
  Int pack(Int a, Int b, Int c, Int d) const { return whole(half(a, b), half(c, d)); }
  Int half(Int a, Int b) const {
    const Int both = Simd::pack_s16(a, b);
    return shifts ? Simd::add_saturated_s16(both, zero_point) : both;
  }
  Int whole(Int ab, Int cd) const {
    const Int bytes = Simd::pack_u8(ab, cd);
    return clamps ? Simd::min_u8(Simd::max_u8(bytes, min), max) : bytes;
  }

  static Int scale(Int sum, Float multiplier) {
    return Simd::round(Simd::multiply(Simd::to_float(sum), multiplier));
  }
  template <Residual kind>
  Int scale(Int sum, Float multiplier, const Float& residual) const {
    return Simd::round(scaled<kind>(sum, multiplier, residual));
  }
  /// Turns four vectors of sums into bytes in pack order.
  template <vector::Rounding rounding>
  Int to_bytes(const Int (&sum)[4], const Float (&multiplier)[4]) const {
    Int q[4];
    if constexpr (rounding == vector::Rounding::general) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) q[i] = scale(sum[i], multiplier[i]);
      return pack(q[0], q[1], q[2], q[3]);
    } else {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) q[i] = scale_to_s16(sum[i], multiplier[i]);
      return pack_s16 < rounding == vector::Rounding::s16_odd > (q[0], q[1], q[2], q[3]);
    }
  }
  /// The same with a residual added, for any zero point. `above`: the result is raised to inner_min
  /// before the residual is added. Not for Rounding::general.
  Int to_bytes_with_residual(const Int (&sum)[4], const Float (&multiplier)[4], Int residual,
                             bool above) const {
    Float own[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) own[i] = Simd::multiply(Simd::to_float(sum[i]), multiplier[i]);
    if (above) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) own[i] = Simd::max_finite(own[i], inner_min);
    }
    Float r[4];
    residual_vectors<Simd>(residual, r);
    Int q[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const Float difference = Simd::subtract(r[i], residual_zero_point);
      q[i] = Simd::as_int(
          Simd::add(Simd::add(own[i], Simd::multiply(difference, residual_multiplier)), rounder));
    }
    return pack_s16<true>(q[0], q[1], q[2], q[3]);
  }

  /// Scales and rounds. The lower 16 bits are the result plus the zero point, or plus the even
  /// number below it where the zero point is odd.
  Int scale_to_s16(Int sum, Float multiplier) const {
    return Simd::as_int(Simd::add(Simd::multiply(Simd::to_float(sum), multiplier), rounder));
  }
  template <bool may_be_odd>
  Int pack_s16(Int a, Int b, Int c, Int d) const {
    Int ab = Simd::truncate_s16(a, b);
    Int cd = Simd::truncate_s16(c, d);
    if constexpr (may_be_odd) {
      ab = Simd::add_s16(ab, odd);
      cd = Simd::add_s16(cd, odd);
    }
    return Simd::pack_u8(ab, cd);
  }

  /// `residual` is float32 2^23 + r, whose low bits are the byte r: see residual_vectors. Without a
  /// residual it is not read.
  template <Residual kind>
  Float scaled(Int sum, Float multiplier, const Float& residual) const {
    Float own = Simd::multiply(Simd::to_float(sum), multiplier);
    if constexpr (kind == Residual::none) {
      return own;
    } else {
      const Float difference = Simd::subtract(residual, residual_zero_point);
      if constexpr (kind != Residual::plain) own = Simd::max(own, inner_min);
      if constexpr (kind == Residual::bounded) own = Simd::min(own, inner_max);
      return Simd::add(own, Simd::multiply(difference, residual_multiplier));
    }
  }

  Int zero_point;
  Int min;
  Int max;
  // A layer with a relu mostly has neither, and a branch that is always the same costs nothing.
  bool shifts;  ///< Has a zero point.
  bool clamps;  ///< Has other bounds than [0, 255], which packing gives.
  Float residual_multiplier;
  Float residual_zero_point;
  Float inner_min;
  Float inner_max;
  Float rounder;
  Int odd;  ///< 1 in each s16 where the zero point is odd, else 0.
};

}  // namespace
}  // namespace octet::kernels
