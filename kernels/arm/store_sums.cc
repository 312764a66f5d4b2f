#include "kernels/arm/store_sums.h"

#include "kernels/arm/simd128.h"
#include "kernels/vector/epilogue.h"

namespace octet::kernels::arm {
namespace {

using Simd = Simd128;
using Int = Simd::Int;
using Float = Simd::Float;
constexpr int lanes = Simd::lanes;
constexpr int most_vectors = 4;

void store_floats(const ConvParams& params, const StoreCall& call, const int32_t* sums,
                  int32_t pixels) {
  const Float low = Simd::set(params.float_min);
  const Float high = Simd::set(params.float_max);
  float* output = call.float_output;
  for (int32_t pixel = 0; pixel < pixels;
       ++pixel, output += call.stride, sums += call.sums_stride) {
    for (int c = 0; c < call.channels; c += lanes) {
      const Float own = Simd::multiply(Simd::to_float(Simd::load(sums + c)),
                                       Simd::load_float(call.multiplier + c));
      // The value is the second operand, so that a NaN stays what it is.
      const Float result = Simd::min(high, Simd::max(low, own));
      if (call.channels - c >= lanes) {
        Simd::store_float(output + c, result);
      } else {
        Simd::store_first(output + c, Simd::as_int(result),
                          static_cast<std::size_t>(call.channels - c) * sizeof(float));
      }
    }
  }
}

/// The results of a layer with a function, or with scales of channels.
template <int vectors>
[[gnu::noinline]] void store_function(const Requantizer<Simd>& layer, const StoreCall& call,
                                      const int32_t* sums, int32_t pixels) {
  const Requantizer<Simd> requantizer = layer;
  Float multiplier[vectors];
  ChannelRows<Simd> rows[vectors];
#pragma GCC unroll 4
  for (int v = 0; v < vectors; ++v) {
    multiplier[v] = Simd::load_float(call.multiplier + v * lanes);
    rows[v] = {.first = call.rows + v * lanes, .stride = call.rows_stride};
  }
  const auto count = static_cast<std::size_t>(call.channels);
  const uint8_t* residual = call.residual;
  uint8_t* output = call.output;
#pragma GCC unroll 1
  for (; pixels > 0; --pixels, output += call.stride, sums += call.sums_stride) {
    Int bytes = Simd::zero();
    if (residual != nullptr) {
      bytes = load_residual<Simd>(residual);
      residual += call.stride;
    }
    Int sum[vectors];
    Int q[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sum[v] = Simd::load(sums + v * lanes);
    requantizer.scale_by_function<vectors>(sum, multiplier, bytes, rows, q);
    const Int last = q[vectors - 1];
    Simd::store_first(output,
                      requantizer.pack(q[0], vectors > 1 ? q[1 % vectors] : last,
                                       vectors > 2 ? q[2 % vectors] : last, last),
                      count);
  }
}

}  // namespace

void store_sums(const ConvParams& params, const StoreCall& call, const int32_t* sums,
                int32_t pixels) {
  if (params.output == ConvOutput::float32) return store_floats(params, call, sums, pixels);
  const Requantizer<Simd> requantizer(params);
  if (ending_of(params) == Ending::function) {
    switch (call.vectors) {
      case 1:
        return store_function<1>(requantizer, call, sums, pixels);
      case 2:
        return store_function<2>(requantizer, call, sums, pixels);
      case 3:
        return store_function<3>(requantizer, call, sums, pixels);
      default:
        return store_function<4>(requantizer, call, sums, pixels);
    }
  }
  const auto count = static_cast<std::size_t>(call.channels);
  const uint8_t* residual = call.residual;
  uint8_t* output = call.output;
  // The last vector stands in for vectors that do not exist: they are not stored.
  int from[most_vectors];
  Float multiplier[most_vectors];
  for (int v = 0; v < most_vectors; ++v) {
    from[v] = (v < call.vectors ? v : call.vectors - 1) * lanes;
    multiplier[v] = Simd::load_float(call.multiplier + from[v]);
  }
  for (int32_t pixel = 0; pixel < pixels; ++pixel, output += call.stride) {
    Int q[most_vectors];
    if (residual != nullptr) {
      Float added[most_vectors];
      residual_vectors<Simd>(load_residual<Simd>(residual), added);
      for (int v = 0; v < most_vectors; ++v) {
        q[v] =
            requantizer.scale<Ending::bounded>(Simd::load(sums + from[v]), multiplier[v], added[v]);
      }
      residual += call.stride;
    } else {
      for (int v = 0; v < most_vectors; ++v) {
        q[v] = requantizer.scale(Simd::load(sums + from[v]), multiplier[v]);
      }
    }
    Simd::store_first(output, requantizer.pack(q[0], q[1], q[2], q[3]), count);
    sums += call.sums_stride;
  }
}

}  // namespace octet::kernels::arm
