// The most multiply-accumulates that an instruction set's dot product can do: nothing but dot
// products on registers, enough of them side by side to hide their latency.
#pragma once

#include "kernels/vector/gemm_plan.h"

namespace octet::kernels {
namespace {

template <class Simd>
std::size_t run_dot_products(std::size_t rounds) {
  constexpr int accumulators = 12;
  alignas(64) static constexpr std::byte weights[Simd::bytes] = {};
  alignas(64) static constexpr uint8_t pixels[4] = {1, 2, 3, 4};
  const auto w = Simd::load_weights(weights);
  const auto x = Simd::broadcast_dot(pixels);
  typename Simd::Int sum[accumulators];
#pragma GCC unroll 16
  for (int i = 0; i < accumulators; ++i) sum[i] = Simd::zero();
  for (std::size_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < accumulators; ++i) sum[i] = Simd::add_dot(sum[i], x, w);
  }
  // The sums are used, so that the compiler keeps the products.
#pragma GCC unroll 16
  for (int i = 0; i < accumulators; ++i) asm volatile("" : : "x"(sum[i]));
  return rounds * accumulators * Simd::lanes * Simd::dot_values;
}

}  // namespace
}  // namespace octet::kernels
