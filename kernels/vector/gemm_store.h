// How the accumulators of dense layers' tiles become output bytes or floats: a template of the
// instruction set's Simd.
#pragma once

#include "kernels/vector/epilogue.h"
#include "kernels/vector/gemm_plan.h"

namespace octet::kernels {
namespace {

template <class Simd>
struct GemmStore {
  using Int = typename Simd::Int;
  using Float = typename Simd::Float;
  static constexpr int lanes = Simd::lanes;

  /// Where a tile's results go, and what they are computed with.
  struct Results {
    Results(const ConvParams& params, const ConvBuffers& buffers, const vector::GemmTile& tile,
            const std::byte* packed, int32_t first_pixel)
        : stride(static_cast<std::size_t>(params.geometry.output_channels)),
          channels(tile.channels),
          multiplier(reinterpret_cast<const float*>(packed) + tile.vectors * lanes),
          rows{.first = reinterpret_cast<const float*>(packed + tile.rows),
               .stride = static_cast<std::size_t>(tile.vectors * lanes)} {
      const std::size_t first = static_cast<std::size_t>(first_pixel) * stride +
                                static_cast<std::size_t>(tile.first_channel);
      output = static_cast<uint8_t*>(buffers.output) + first;
      float_output = static_cast<float*>(buffers.output) + first;
      if (params.has_residual) residual = buffers.residual + first;
    }

    /// Moves on by `pixels` pixels of u8 output.
    template <Ending kind>
    void advance(int pixels) {
      const std::size_t by = static_cast<std::size_t>(pixels) * stride;
      output += by;
      if (adds_residual<kind>(residual)) residual += by;
    }
    /// Moves on by `pixels` pixels, whatever the output's type.
    void skip(int pixels) {
      advance<Ending::own>(pixels);
      const std::size_t by = static_cast<std::size_t>(pixels) * stride;
      float_output += by;
      if (residual != nullptr) residual += by;
    }

    std::size_t stride;
    int32_t channels;
    const float* multiplier;
    ChannelRows<Simd> rows;  ///< Of the first vector. It is read only if the layer has such rows.
    uint8_t* output;
    float* float_output;
    const uint8_t* residual = nullptr;
  };

  /// The channel rows of vector `v` of a tile.
  static ChannelRows<Simd> rows_of(const Results& at, int v) {
    return {.first = at.rows.first + v * lanes, .stride = at.rows.stride};
  }
  template <int vectors>
  struct Multiplier {
    explicit Multiplier(const Results& results) : Multiplier(results.multiplier) {}
    explicit Multiplier(const float* from) {
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) of[v] = Simd::load_float(from + v * lanes);
    }
    Float of[vectors];
  };

  // A store takes as many pixels at once as fill a vector of bytes: 4 pixels of one vector each, 2
  // of two, 1 of three or four.
  template <int vectors>
  static constexpr int pixels_together = vectors == 1   ? 4
                                         : vectors == 2 ? 2
                                                        : 1;

  /// Requantizes so many pixels and stores the first `count` of them.
  template <int vectors, Ending kind>
  [[gnu::always_inline]] static void store_together(
      const Requantizer<Simd>& requantizer, const Multiplier<vectors>& multiplier,
      const Int (&sum)[pixels_together<vectors>][vectors], const Results& at, int32_t count) {
    constexpr int together = pixels_together<vectors>;
    uint8_t* to[together];
    const uint8_t* from[together];
#pragma GCC unroll 4
    for (int p = 0; p < together; ++p) {
      const auto pixel = static_cast<std::size_t>(p < count ? p : count - 1);
      to[p] = at.output + pixel * at.stride;
      if (adds_residual<kind>(at.residual)) from[p] = at.residual + pixel * at.stride;
    }
    Int residual = Simd::zero();
    if (adds_residual<kind>(at.residual)) residual = Simd::template gather_pixels<vectors>(from);
    Int q[4];
    if constexpr (kind == Ending::function) {
      constexpr int results = together * vectors;
      Int own[results];
      Float m[results];
      ChannelRows<Simd> rows[results];
#pragma GCC unroll 4
      for (int i = 0; i < results; ++i) {
        own[i] = sum[i / vectors][i % vectors];
        m[i] = multiplier.of[i % vectors];
        rows[i] = rows_of(at, i % vectors);
      }
      requantizer.template scale_by_function<results>(own, m, residual, rows, q);
      if constexpr (results == 3) q[3] = q[2];
    } else {
      Float r[4];
      if constexpr (kind != Ending::own) residual_vectors<Simd>(residual, r);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const int p = vectors >= 3 ? 0 : i / vectors;
        const int v = vectors >= 3 ? (i < vectors ? i : vectors - 1) : i % vectors;
        q[i] = requantizer.template scale<kind>(sum[p][v], multiplier.of[v], r[i]);
      }
    }
    const Int bytes = requantizer.pack(q[0], q[1], q[2], q[3]);
    if (at.channels == vectors * lanes) {
      Simd::template scatter_pixels<vectors>(bytes, to, count);
    } else {
      Simd::template scatter_some<vectors>(bytes, to, count, at.channels);
    }
  }

  /// sums: [pixels][vectors]. The last pixel is repeated where fewer are left.
  template <int vectors, Ending kind>
  [[gnu::noinline]] static void store(const Requantizer<Simd>& layer, Results to, const Int* sums,
                                      int32_t pixels) {
    constexpr int together = pixels_together<vectors>;
    const Requantizer<Simd> requantizer = layer;
    const Multiplier<vectors> multiplier(to);
    while (pixels > 0) {
      const int32_t count = pixels < together ? pixels : together;
      Int sum[together][vectors];
#pragma GCC unroll 4
      for (int p = 0; p < together; ++p) {
        const Int* from = sums + (p < count ? p : count - 1) * vectors;
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) sum[p][v] = Simd::load(from + v);
      }
      store_together<vectors, kind>(requantizer, multiplier, sum, to, count);
      sums += together * vectors;
      to.template advance<kind>(together);
      pixels -= together;
    }
  }

  template <int vectors>
  [[gnu::noinline]] static void store_float(const ConvParams& params, const Results& to,
                                            const Int* sums, int32_t pixels) {
    const Float low = Simd::set(params.float_min);
    const Float high = Simd::set(params.float_max);
    for (int32_t i = 0; i < pixels; ++i) {
      alignas(64) float values[vectors * lanes];
      for (int v = 0; v < vectors; ++v) {
        const Float value = Simd::multiply(Simd::to_float(Simd::load(sums + i * vectors + v)),
                                           Simd::load_float(to.multiplier + v * lanes));
        // The value is the second operand, so that a NaN stays what it is.
        Simd::template store_lanes<vectors>(Simd::min(high, Simd::max(low, value)), values + 4 * v);
      }
      __builtin_memcpy(to.float_output + static_cast<std::size_t>(i) * to.stride, values,
                       static_cast<std::size_t>(to.channels) * sizeof(float));
    }
  }
};

}  // namespace
}  // namespace octet::kernels
