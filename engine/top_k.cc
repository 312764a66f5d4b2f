#include "engine/top_k.h"

#include <cstring>
#include <utility>

namespace octet {
namespace {

// Returns a number for the bits of a float: the larger the value, the larger the number. Both zeros
// have one number, and so have all NaN, which are above infinity.
uint32_t ordered(uint32_t bits) {
  constexpr uint32_t sign = 0x80000000;
  constexpr uint32_t infinity = 0x7f800000;
  const uint32_t magnitude = bits & ~sign;
  if (magnitude > infinity) return ~uint32_t{0};
  if (magnitude == 0) return sign;
  return (bits & sign) != 0 ? ~bits : bits | sign;
}

/// One row: its best places so far are a heap, the worst of them on top, in the memory of its
/// result.
struct Row {
  const TopKParams& params;
  const std::byte* x;
  int32_t* places;

  const std::byte* value(std::size_t place) const {
    return x + place * params.inner * params.value_bytes;
  }
  int32_t& place(std::size_t i) const { return places[i * params.inner]; }

  /// Returns the rank of the value at this index. No two indices have the same rank.
  uint64_t rank(std::size_t place) const {
    auto bits = static_cast<uint32_t>(*value(place));
    if (params.value_bytes > 1) {
      std::memcpy(&bits, value(place), sizeof(bits));
      bits = ordered(bits);
    }
    if (!params.largest) bits = ~bits;
    return uint64_t{bits} << 32 | ~static_cast<uint32_t>(place);
  }
  uint64_t rank_at(std::size_t i) const { return rank(static_cast<std::size_t>(place(i))); }

  /// Puts what stands at `top` where it belongs in the heap of the first `count`.
  void sink(std::size_t top, std::size_t count) const {
    for (std::size_t child = 2 * top + 1; child < count; child = 2 * top + 1) {
      if (child + 1 < count && rank_at(child + 1) < rank_at(child)) ++child;
      if (rank_at(top) < rank_at(child)) return;
      std::swap(place(top), place(child));
      top = child;
    }
  }

  void select() const {
    const std::size_t k = params.k;
    for (std::size_t i = 0; i < k; ++i) place(i) = static_cast<int32_t>(i);
    for (std::size_t i = k; i-- > 0;) sink(i, k);
    uint64_t worst = rank_at(0);
    for (std::size_t i = k; i < params.extent; ++i) {
      if (rank(i) < worst) continue;
      place(0) = static_cast<int32_t>(i);
      sink(0, k);
      worst = rank_at(0);
    }
    // The worst that is left goes to the end.
    for (std::size_t i = k; i-- > 0;) {
      std::swap(place(0), place(i));
      sink(0, i);
    }
  }
};

}  // namespace

void select_top_k(const TopKParams& params, const void* x, void* values, int32_t* places,
                  kernels::Range rows) {
  for (std::size_t i = rows.begin; i < rows.end; ++i) {
    const std::size_t outer = i / params.inner * params.inner;
    const std::size_t from = outer * params.extent + i - outer;
    const std::size_t to = outer * params.k + i - outer;
    const Row row{.params = params,
                  .x = static_cast<const std::byte*>(x) + from * params.value_bytes,
                  .places = places + to};
    row.select();
    auto* value = static_cast<std::byte*>(values) + to * params.value_bytes;
    for (std::size_t k = 0; k < params.k; ++k, value += params.inner * params.value_bytes)
      std::memcpy(value, row.value(static_cast<std::size_t>(row.place(k))), params.value_bytes);
  }
}

}  // namespace octet
