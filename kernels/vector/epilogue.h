// How accumulators become bytes: the end of every vectorised convolution.
//
// Included by each instruction set's own files, with its Simd; everything is in an unnamed
// namespace, so that no code compiled for one CPU can be linked into another's.
#pragma once

#include "kernels/kernels.h"
#include "kernels/vector/channel_rows.h"
#include "kernels/vector/rounding.h"

namespace octet::kernels {
namespace {

/// What happens to a convolution's own result before it is rounded. `own`: nothing. `residual`: a
/// residual is added. `above`, `bounded`: a residual is added, after the result was kept above a
/// lower bound (a relu of its own), or between two bounds. `function`: everything else, found out
/// while it runs: a function of the result, with or without a residual, or a scale for each
/// channel.
enum class Ending { own, residual, above, bounded, function };
constexpr int endings = 5;

inline Ending ending_of(const ConvParams& params) {
  if (vector::has_channel_rows(params) || params.function.form != FunctionForm::none) {
    return Ending::function;
  }
  if (!params.has_residual) return Ending::own;
  constexpr float infinity = __builtin_inff();
  if (params.inner_max != infinity) return Ending::bounded;
  return params.inner_min != -infinity ? Ending::above : Ending::residual;
}

/// Whether a layer with this ending adds a residual. `residual` is where its next values are, or
/// null: only Ending::function does not tell.
template <Ending kind>
inline bool adds_residual(const uint8_t* residual) {
  return kind == Ending::function ? residual != nullptr : kind != Ending::own;
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

/// The rows of a vector of channels: vector::channel_rows rows that are `stride` values apart.
template <class Simd>
struct ChannelRows {
  const float* first = nullptr;
  std::size_t stride = 0;

  typename Simd::Float slopes() const { return Simd::load_float(first); }
  typename Simd::Float factors() const { return Simd::load_float(first + stride); }
  typename Simd::Float zero_points() const { return Simd::load_float(first + 2 * stride); }
};

/// What a layer's function needs, as vectors.
template <class Simd>
struct FunctionVectors {
  using Float = typename Simd::Float;

  explicit FunctionVectors(const ConvParams& params)
      : form(params.function.form),
        symmetry(params.function.symmetry),
        has_residual(params.has_residual),
        takes_residual(params.has_residual && params.function.takes_residual),
        by_channel(params.channel_output.factor != nullptr),
        offset(Simd::set(params.function.offset)),
        term(Simd::set(params.function.term)),
        factor(Simd::set(params.function.factor)),
        coefficients(params.function.coefficients) {}

  /// Replaces each operand t by its piece's polynomial.
  template <int count, Symmetry symmetry>
  [[gnu::always_inline]] void piecewise(Float (&t)[count]) const {
    const Float last = Simd::set(static_cast<float>(function_pieces - 1));
    Float x[count];
    typename Simd::PieceIndex index[count];
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) {
      x[i] = symmetry == Symmetry::none ? t[i] : Simd::absolute(t[i]);
      const Float above = symmetry == Symmetry::none ? Simd::max_finite(x[i], Simd::set(0)) : x[i];
      index[i] = Simd::piece_index(Simd::min_finite(above, last));
    }
    Float v[count];
#pragma GCC unroll 5
    for (int k = piece_coefficients - 1; k >= 0; --k) {
      const auto of_pieces = Simd::load_pieces(coefficients + k * function_pieces);
#pragma GCC unroll 4
      for (int i = 0; i < count; ++i) {
        const Float a = Simd::pick(of_pieces, index[i]);
        v[i] = k == piece_coefficients - 1 ? a : Simd::fused_multiply_add(v[i], x[i], a);
      }
    }
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) {
      if constexpr (symmetry == Symmetry::none) {
        t[i] = v[i];
      } else if constexpr (symmetry == Symmetry::even) {
        t[i] = Simd::fused_multiply_add(Simd::max_finite(t[i], Simd::set(0)), term, v[i]);
      } else {
        t[i] = Simd::add(Simd::flip_sign(v[i], t[i]), term);
      }
    }
  }
  template <int count>
  [[gnu::always_inline]] void piecewise(Float (&t)[count]) const {
    switch (symmetry) {
      case Symmetry::none:
        return piecewise<count, Symmetry::none>(t);
      case Symmetry::even:
        return piecewise<count, Symmetry::even>(t);
      case Symmetry::odd:
        return piecewise<count, Symmetry::odd>(t);
    }
  }
  Float hard_swish(Float r) const {
    const Float gate =
        Simd::min_finite(Simd::max_finite(Simd::add(r, Simd::set(3)), Simd::set(0)), Simd::set(6));
    return Simd::multiply(Simd::multiply(r, gate), factor);
  }
  static Float slopes(Float r, Float slope) {
    const Float zero = Simd::set(0);
    return Simd::add(Simd::max_finite(r, zero), Simd::multiply(Simd::min_finite(r, zero), slope));
  }

  FunctionForm form;
  Symmetry symmetry;
  bool has_residual;
  bool takes_residual;
  bool by_channel;
  Float offset;
  Float term;
  Float factor;
  const float* coefficients;
};

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
        odd(Simd::set_s16(params.output_zero_point % 2)),
        function(params) {}

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
  /// Not for Ending::function: see scale_by_function.
  template <Ending kind>
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
      constexpr bool may_be_odd = rounding == vector::Rounding::s16_odd;
      return pack_s16<may_be_odd>(q[0], q[1], q[2], q[3]);
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
  template <Ending kind>
  Float scaled(Int sum, Float multiplier, const Float& residual) const {
    Float own = Simd::multiply(Simd::to_float(sum), multiplier);
    if constexpr (kind == Ending::own) {
      return own;
    } else {
      const Float difference = Simd::subtract(residual, residual_zero_point);
      if constexpr (kind != Ending::residual) own = Simd::max(own, inner_min);
      if constexpr (kind == Ending::bounded) own = Simd::min(own, inner_max);
      return Simd::add(own, Simd::multiply(difference, residual_multiplier));
    }
  }

  /// The layer's function of sums, in steps of the output, with all that is added to it, rounded.
  /// `residual` is in pack order; without a residual it is not used.
  template <int count>
  [[gnu::always_inline]] void scale_by_function(const Int* sum, const Float* multiplier,
                                                Int residual, const ChannelRows<Simd>* rows,
                                                Int* q) const {
    Float v[count];
    const auto add_residual = [&] {
      Float r[4];
      residual_vectors<Simd>(residual, r);
#pragma GCC unroll 4
      for (int i = 0; i < count; ++i) {
        const Float difference = Simd::subtract(r[i], residual_zero_point);
        v[i] = Simd::add(v[i], Simd::multiply(difference, residual_multiplier));
      }
    };
    if (function.form == FunctionForm::pieces) {
#pragma GCC unroll 4
      for (int i = 0; i < count; ++i) {
        v[i] = Simd::fused_multiply_add(Simd::to_float(sum[i]), multiplier[i], function.offset);
      }
      if (function.takes_residual) add_residual();
      function.piecewise(v);
    } else {
#pragma GCC unroll 4
      for (int i = 0; i < count; ++i) v[i] = Simd::multiply(Simd::to_float(sum[i]), multiplier[i]);
      if (function.takes_residual) add_residual();
      if (function.form == FunctionForm::hard_swish) {
#pragma GCC unroll 4
        for (int i = 0; i < count; ++i) v[i] = function.hard_swish(v[i]);
      } else if (function.form == FunctionForm::slopes) {
#pragma GCC unroll 4
        for (int i = 0; i < count; ++i) v[i] = function.slopes(v[i], rows[i].slopes());
      }
    }
    if (function.by_channel) {
#pragma GCC unroll 4
      for (int i = 0; i < count; ++i) {
        v[i] = Simd::fused_multiply_add(v[i], rows[i].factors(), rows[i].zero_points());
      }
    }
    if (function.has_residual && !function.takes_residual) add_residual();
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) q[i] = Simd::round(v[i]);
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
  FunctionVectors<Simd> function;
};

}  // namespace
}  // namespace octet::kernels
