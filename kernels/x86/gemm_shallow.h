// Shallow tiles of dense layers have few products for each output, so that most of the work follows
// the products. A tile is small and is requantized in the registers that hold its sums. A CPU works
// on several tiles at once: one's dot products run beside another's requantization. The loops over
// products are in the instruction set's shallow_tile.h.
#pragma once

#include "kernels/vector/gemm_store.h"
#include "kernels/x86/tile_call.h"

namespace octet::kernels {
namespace {

template <class Simd>
struct GemmShallow {
  using Int = typename Simd::Int;
  using Store = GemmStore<Simd>;
  using Results = typename Store::Results;
  static constexpr std::size_t cache_line = 64;

  /// Fetches `lines` cache lines. Returns the address behind them.
  static std::uintptr_t fetch(std::uintptr_t from, int32_t lines) {
    for (; lines > 0; --lines, from += cache_line) Simd::prefetch(from);
    return from;
  }

  /// call.windows has `count` pointers. The last pixel is repeated where a tile is not full.
  template <int vectors, Ending kind>
  [[gnu::noinline]] static void run(const Requantizer<Simd>& layer, Results to,
                                    const x86::TileCall& call, int32_t count) {
    constexpr int pixels = Simd::shallow_pixels(vectors);
    constexpr int together = Store::template pixels_together<vectors>;
    static_assert(pixels % together == 0);
    const Requantizer<Simd> requantizer = layer;
    const typename Store::template Multiplier<vectors> multiplier(to);
    const uint8_t* const* windows = call.windows;
    std::uintptr_t next = call.next;
    for (; count > 0; count -= pixels, windows += pixels) {
      const uint8_t* window[pixels];
#pragma GCC unroll 16
      for (int i = 0; i < pixels; ++i) window[i] = windows[i < count ? i : count - 1];
      Int sum[pixels][vectors];
      ShallowTile<pixels, vectors>::run(call, window, sum);
#pragma GCC unroll 16
      for (int i = 0; i < pixels; i += together) {
        if (i >= count) break;
        Int some[together][vectors];
#pragma GCC unroll 4
        for (int p = 0; p < together; ++p) {
#pragma GCC unroll 4
          for (int v = 0; v < vectors; ++v) some[p][v] = sum[i + p][v];
        }
        Store::template store_together<vectors, kind>(requantizer, multiplier, some, to,
                                                      count - i < together ? count - i : together);
        to.template advance<kind>(together);
      }
      next = fetch(next, call.next_lines);
    }
  }

  /// Two pixels take three vectors: tiles of 17 to 24 channels in vectors of 16.
  template <Ending kind>
  [[gnu::noinline]] static void run_pairs(const Requantizer<Simd>& layer, Results to,
                                          const x86::TileCall& call, int32_t count) {
    constexpr int pairs = Simd::shallow_pairs;
    const Requantizer<Simd> requantizer = layer;
    const typename Store::template Multiplier<2> multiplier(to);
    const uint8_t* const* windows = call.windows;
    std::uintptr_t next = call.next;
    for (; count > 0; count -= 2 * pairs, windows += 2 * pairs) {
      const uint8_t* window[2 * pairs];
#pragma GCC unroll 16
      for (int i = 0; i < 2 * pairs; ++i) window[i] = windows[i < count ? i : count - 1];
      Int sum[pairs][3];
      ShallowPairs<pairs>::run(call, window, sum);
#pragma GCC unroll 16
      for (int i = 0; i < pairs; ++i) {
        if (2 * i >= count) break;
        Int residual = Simd::zero();
        if (adds_residual<kind>(to.residual)) {
          const std::size_t second = 2 * i + 1 < count ? to.stride : 0;
          residual = Simd::gather_pair(to.residual, to.residual + second);
        }
        Int q[3];
        if constexpr (kind == Ending::function) {
          const typename Simd::Float m[] = {multiplier.of[0], multiplier.of[0], multiplier.of[1]};
          const ChannelRows<Simd> rows[] = {Store::rows_of(to, 0), Store::rows_of(to, 0),
                                            Store::rows_of(to, 1)};
          requantizer.template scale_by_function<3>(sum[i], m, residual, rows, q);
        } else {
          typename Simd::Float r[4];
          if constexpr (kind != Ending::own) residual_vectors<Simd>(residual, r);
          q[0] = requantizer.template scale<kind>(sum[i][0], multiplier.of[0], r[0]);
          q[1] = requantizer.template scale<kind>(sum[i][1], multiplier.of[0], r[1]);
          q[2] = requantizer.template scale<kind>(sum[i][2], multiplier.of[1], r[2]);
        }
        const Int bytes = requantizer.pack(q[0], q[1], q[2], q[2]);
        Simd::scatter_pair(bytes, to.output, to.stride, to.channels, 2 * i + 1 < count);
        to.template advance<kind>(2);
      }
      next = fetch(next, call.next_lines);
    }
  }
};

}  // namespace
}  // namespace octet::kernels
