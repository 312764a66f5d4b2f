// Depthwise convolution: interleaving rows into quads, and the dot products over them: a template of
// the instruction set's Simd. Plan and packing: depthwise_plan.h.
#pragma once

#include "kernels/x86/depthwise_plan.h"
#include "kernels/x86/epilogue.h"

namespace octet::kernels {
namespace {

template <class Simd>
struct Depthwise {
  using Int = typename Simd::Int;
  using Float = typename Simd::Float;
  static constexpr std::size_t lanes = Simd::lanes;
  static constexpr std::size_t quad = 4;                   // bytes
  static constexpr std::size_t chunk = 4 * Simd::lanes;    // values that fill a vector of bytes

  struct Layer {
    Layer(const ConvParams& p, const std::byte* packed_layer, const ConvBuffers& b)
        : params(p),
          packed(packed_layer),
          plan(*reinterpret_cast<const x86::DepthwisePlan*>(packed)),
          taps(reinterpret_cast<const int64_t*>(packed + plan.tap_table)),
          buffers(b),
          requantizer(p) {}

    const ConvParams& params;
    const std::byte* packed;
    const x86::DepthwisePlan& plan;
    const int64_t* taps;
    const ConvBuffers& buffers;
    Requantizer<Simd> requantizer;
  };

  // ---- rows to quads

  static void fill(std::byte* to, std::size_t quads, uint8_t value) {
    __builtin_memset(to, value, quads * quad);
  }

  /// Interleaves `count` values of four rows; may write a vector's length beyond.
  static void interleave(const uint8_t* const (&rows)[4], std::size_t count, std::byte* to) {
    for (std::size_t i = 0; i < count; i += chunk, to += chunk * quad) {
      // Unpacking works within 128-bit lanes, so the rows' dwords are dealt out to the lanes first.
      const Int a = Simd::pack_order(Simd::load(rows[0] + i));
      const Int b = Simd::pack_order(Simd::load(rows[1] + i));
      const Int c = Simd::pack_order(Simd::load(rows[2] + i));
      const Int d = Simd::pack_order(Simd::load(rows[3] + i));
      const Int ab_low = Simd::unpack_low_u8(a, b);
      const Int ab_high = Simd::unpack_high_u8(a, b);
      const Int cd_low = Simd::unpack_low_u8(c, d);
      const Int cd_high = Simd::unpack_high_u8(c, d);
      Simd::store(to, Simd::unpack_low_s16(ab_low, cd_low));
      Simd::store(to + Simd::bytes, Simd::unpack_high_s16(ab_low, cd_low));
      Simd::store(to + 2 * Simd::bytes, Simd::unpack_low_s16(ab_high, cd_high));
      Simd::store(to + 3 * Simd::bytes, Simd::unpack_high_s16(ab_high, cd_high));
    }
  }

  /// Columns of a row of quads to the planes of a slot.
  static void deal_out_columns(const Layer& layer, const std::byte* from, std::byte* slot) {
    const x86::DepthwisePlan& plan = layer.plan;
    const auto channels = static_cast<std::size_t>(layer.params.geometry.input_channels);
    const auto planes = static_cast<std::size_t>(plan.planes);
    const std::size_t columns = (plan.left + plan.inside + plan.right) / channels;
    for (std::size_t plane = 0; plane < planes; ++plane) {
      std::byte* to = slot + plane * plan.plane_quads * quad;
      for (std::size_t column = plane; column < columns; column += planes) {
        const std::byte* source = from + column * channels * quad;
        for (std::size_t c = 0; c < channels; c += lanes) {
          Simd::store(to + c * quad, Simd::load(source + c * quad));
        }
        to += channels * quad;
      }
    }
  }

  /// Makes the quads of rows first_row, first_row + dilation, ...; rows outside of the image are z_x.
  static void make_quads(const Layer& layer, const uint8_t* image, int32_t first_row,
                         std::byte* in_order, std::byte* slot) {
    const x86::DepthwisePlan& plan = layer.plan;
    const ConvGeometry& g = layer.params.geometry;
    const auto image_row =
        static_cast<std::size_t>(g.input_w) * static_cast<std::size_t>(g.input_channels);
    const uint8_t* rows[4];
    for (int32_t r = 0; r < 4; ++r) {
      const int32_t row = first_row + r * g.window.dilation_h;
      rows[r] = row >= 0 && row < g.input_h
                    ? image + static_cast<std::size_t>(row) * image_row
                    : reinterpret_cast<const uint8_t*>(layer.packed + plan.padding_row);
    }
    const auto zero_point = static_cast<uint8_t>(layer.params.input_zero_point);
    std::byte* to = plan.planes > 1 ? in_order : slot;
    fill(to, plan.left, zero_point);
    interleave(rows, plan.inside, to + plan.left * quad);
    fill(to + (plan.left + plan.inside) * quad, plan.right, zero_point);
    if (plan.planes > 1) deal_out_columns(layer, in_order, slot);
  }

  // ---- quads to outputs

  /// One group of output rows.
  struct RowsCall {
    const std::byte* const* slots;  ///< [quads], from the top
    std::size_t first_value;        ///< Of the group's first row, in the output.
    int32_t rows;                   ///< That exist.
  };

  /// A filter of `quad_count` by `columns`, or of any size where these are 0.
  template <int rows, int quad_count, int columns>
  static void run_rows(const Layer& layer, const RowsCall& call) {
    const x86::DepthwisePlan& plan = layer.plan;
    const Requantizer<Simd> requantizer = layer.requantizer;
    const std::byte* const patterns = layer.packed + plan.weights;
    const std::byte* const patterns_end = patterns + plan.period * plan.pattern_bytes;
    const std::size_t row_bytes = plan.pattern_bytes / static_cast<std::size_t>(plan.rows);
    const std::byte* weights = patterns;
    const std::byte* constants = layer.packed + plan.bias;
    const std::size_t to_multiplier = plan.multiplier - plan.bias;
    const bool with_residual = layer.params.has_residual;

    for (std::size_t value = 0; value < plan.row_values; value += chunk) {
      Float residual[rows][4];
      if (with_residual) load_residual<rows>(layer, call, value, residual);
      Int halves[rows][2];
      Int q[rows][2];
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        Int sum[rows];
        const Int bias = Simd::load(constants);
#pragma GCC unroll 4
        for (int r = 0; r < rows; ++r) sum[r] = bias;
        const std::size_t at = (value + static_cast<std::size_t>(v) * lanes) * quad;
        add_products<rows, quad_count, columns>(layer, call, at, weights, row_bytes, sum);
        const Float multiplier =
            Simd::load_float(reinterpret_cast<const float*>(constants + to_multiplier));
#pragma GCC unroll 4
        for (int r = 0; r < rows; ++r) {
          q[r][v % 2] = with_residual ? requantizer.scale(sum[r], multiplier, residual[r][v])
                                      : requantizer.scale(sum[r], multiplier);
          if (v % 2 == 1) halves[r][v / 2] = requantizer.half(q[r][0], q[r][1]);
        }
        weights += plan.pattern_bytes;
        constants += Simd::bytes;
        if (weights == patterns_end) {
          weights = patterns;
          constants = layer.packed + plan.bias;
        }
      }
#pragma GCC unroll 4
      for (int r = 0; r < rows; ++r) {
        if (r >= call.rows) break;
        uint8_t* output = static_cast<uint8_t*>(layer.buffers.output) + call.first_value +
                          static_cast<std::size_t>(r) * plan.row_values + value;
        const Int bytes = Simd::natural_order(requantizer.whole(halves[r][0], halves[r][1]));
        if (plan.row_values - value >= chunk) {
          Simd::store(output, bytes);
        } else {
          Simd::store_first(output, bytes, plan.row_values - value);
        }
      }
    }
  }

  template <int rows, int quad_count, int columns>
  static void add_products(const Layer& layer, const RowsCall& call, std::size_t at,
                           const std::byte* weights, std::size_t row_bytes, Int (&sum)[rows]) {
    if constexpr (quad_count > 0) {
#pragma GCC unroll 4
      for (int g = 0; g < quad_count; ++g) {
        const std::byte* slot = call.slots[g] + at;
#pragma GCC unroll 8
        for (int k = 0; k < columns; ++k) {
          const typename Simd::Quads x = Simd::load_quads(slot + layer.taps[k]);
#pragma GCC unroll 4
          for (int r = 0; r < rows; ++r) {
            sum[r] = Simd::dot(sum[r], x,
                               weights + ((r * quad_count + g) * columns + k) * Simd::weight_bytes);
          }
        }
      }
    } else {
      for (int g = 0; g < layer.plan.quads; ++g) {
        const std::byte* slot = call.slots[g] + at;
        for (int k = 0; k < layer.plan.columns; ++k, weights += Simd::weight_bytes) {
          const typename Simd::Quads x = Simd::load_quads(slot + layer.taps[k]);
          for (int r = 0; r < rows; ++r) {
            sum[r] = Simd::dot(sum[r], x, weights + static_cast<std::size_t>(r) * row_bytes);
          }
        }
      }
    }
  }

  template <int rows>
  static void load_residual(const Layer& layer, const RowsCall& call, std::size_t value,
                            Float (&residual)[rows][4]) {
    for (int r = 0; r < rows; ++r) {
      const int row = r < call.rows ? r : call.rows - 1;
      const uint8_t* from = layer.buffers.residual + call.first_value +
                            static_cast<std::size_t>(row) * layer.plan.row_values + value;
      residual_vectors<Simd>(Simd::pack_order(Simd::load(from)), residual[r]);
    }
  }

  using RunRows = void (*)(const Layer&, const RowsCall&);

  static RunRows choose(const x86::DepthwisePlan& plan) {
    if (plan.columns == 3 && plan.quads == 1 && plan.rows == 2) return run_rows<2, 1, 3>;
    if (plan.columns == 3 && plan.quads == 1 && plan.rows == 1) return run_rows<1, 1, 3>;
    if (plan.columns == 5 && plan.quads == 2 && plan.rows == 2) return run_rows<2, 2, 5>;
    if constexpr (Simd::depthwise_traits().max_rows == 4) {
      if (plan.columns == 5 && plan.quads == 2 && plan.rows == 4) return run_rows<4, 2, 5>;
    }
    return run_rows<1, 0, 0>;
  }

  static void run(const ConvParams& params, const std::byte* packed, const ConvBuffers& buffers,
                  Range items, std::byte* scratch) {
    const Layer layer(params, packed, buffers);
    const x86::DepthwisePlan& plan = layer.plan;
    const ConvGeometry& g = params.geometry;
    const Window& w = g.window;
    const RunRows run_group = choose(plan);
    const auto groups = static_cast<std::size_t>(plan.groups);
    const std::size_t image_bytes = static_cast<std::size_t>(g.input_h) *
                                    static_cast<std::size_t>(g.input_w) *
                                    static_cast<std::size_t>(g.input_channels);
    for (std::size_t item = items.begin; item < items.end; ++item) {
      const auto group = static_cast<int32_t>(item % groups);
      const uint8_t* image = buffers.input + item / groups * image_bytes;
      const bool all_new = item == items.begin || group == 0;
      const int32_t top = group * plan.rows * w.stride_h - w.pad_top;
      // Slots are a ring: a quad stays where it is while groups move down over it.
      const std::byte* slots[max_quads];
      for (int32_t i = 0; i < plan.quads; ++i) {
        const int32_t slot = (group * plan.new_quads + i) % plan.quads;
        std::byte* quads = scratch + plan.slots + static_cast<std::size_t>(slot) * plan.slot_quads * quad;
        slots[i] = quads;
        if (all_new || i >= plan.quads - plan.new_quads) {
          make_quads(layer, image, top + 4 * i * w.dilation_h, scratch, quads);
        }
      }
      const int32_t row = group * plan.rows;
      const auto rows_above = item / groups * static_cast<std::size_t>(g.output_h) + static_cast<std::size_t>(row);
      run_group(layer, {.slots = slots,
                        .first_value = rows_above * plan.row_values,
                        .rows = g.output_h - row < plan.rows ? g.output_h - row : plan.rows});
    }
  }

  /// Filters of more rows than this many quads hold are left to the reference.
  static constexpr int max_quads = 16;

  static bool supports(const ConvParams& p) {
    return p.geometry.window.kernel_h <= 4 * max_quads && x86::depthwise_supports(p);
  }
  static constexpr x86::DepthwiseTraits traits = Simd::depthwise_traits();
  static std::size_t packed_size(const ConvParams& p) { return x86::depthwise_packed_size(traits, p); }
  static void pack(const ConvParams& p, std::byte* packed) { x86::depthwise_pack(traits, p, packed); }
  static std::size_t scratch_size(const ConvParams& p) {
    return x86::depthwise_scratch_size(traits, p);
  }
  static std::size_t items(const ConvParams& p) { return x86::depthwise_items(traits, p); }

  static constexpr ConvKernel kernel = {.name = "depthwise",
                                        .supports = supports,
                                        .packed_size = packed_size,
                                        .pack = pack,
                                        .scratch_size = scratch_size,
                                        .items = items,
                                        .run = run};
};

}  // namespace
}  // namespace octet::kernels
