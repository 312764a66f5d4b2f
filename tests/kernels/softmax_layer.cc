#include "tests/kernels/softmax_layer.h"

#include <cstring>

#include "kernels/scalar/exact_math.h"
#include "tests/kernels/guarded_buffer.h"

namespace octet::test {

using kernels::KernelTable;
using kernels::Range;
using kernels::SoftmaxParams;

namespace {

struct Rows {
  std::size_t rows;
  std::size_t count;  ///< Values in a row.
};

Rows draw_rows(Draw& draw) {
  return {.rows = 1 + draw.below(12), .count = 1 + draw.below(draw.chance(0.2) ? 300 : 40)};
}

std::string describe(const char* kind, const Rows& shape) {
  return std::string(kind) + " of " + std::to_string(shape.rows) + " rows of " +
         std::to_string(shape.count);
}

std::unique_ptr<Layer> draw_byte_softmax(Draw& draw, const Rows& shape) {
  const std::vector<float> entries = softmax_table(static_cast<double>(draw.real(0.001F, 0.5F)));
  const auto table_values = std::make_shared<GuardedBuffer>(std::span<const float>(entries));
  SoftmaxParams p = draw_softmax(draw);
  p.table = table_values->as<float>();
  const std::vector<uint8_t> values = draw.bytes(shape.rows * shape.count);
  const auto input = std::make_shared<GuardedBuffer>(std::span<const uint8_t>(values));
  const std::size_t value_bytes = p.quantized ? 1 : sizeof(float);
  return std::make_unique<CallLayer>(CallLayer::Parts{
      .description = describe(p.quantized ? "softmax to u8" : "softmax to float32", shape),
      .items = shape.rows,
      .output_bytes = values.size() * value_bytes,
      .output_alignment = value_bytes,
      .call = [=](const KernelTable& table, Range rows, std::byte* output) {
        (void)table_values;  // p points into it
        for (std::size_t row = rows.begin; row < rows.end; ++row) {
          const std::size_t first = row * shape.count;
          table.softmax(p, input->as<uint8_t>() + first, output + first * value_bytes, shape.count);
        }
      }});
}

std::unique_ptr<Layer> draw_float_softmax(Draw& draw, const Rows& shape) {
  const float range = draw.pick({0.1F, 5.0F, 80.0F, 1000.0F});
  const std::vector<float> values = draw.reals(shape.rows * shape.count, -range, range);
  const auto input = std::make_shared<GuardedBuffer>(std::span<const float>(values));
  return std::make_unique<CallLayer>(CallLayer::Parts{
      .description = describe("softmax of float32", shape),
      .items = shape.rows,
      .output_bytes = values.size() * sizeof(float),
      .output_alignment = sizeof(float),
      .call = [=](const KernelTable& table, Range rows, std::byte* output) {
        const std::size_t first = rows.begin * shape.count;
        table.softmax_float(input->as<float>() + first, reinterpret_cast<float*>(output) + first,
                            rows.end - rows.begin, shape.count);
      }});
}

/// Where the stride is the row's length, it goes along columns, as in a layout with channels first.
std::unique_ptr<Layer> draw_argmax(Draw& draw, const Rows& shape, bool of_floats) {
  const int32_t most = draw.pick({0, 3, 255});  // few different values make many ties
  const std::vector<uint8_t> values = draw.integers<uint8_t>(shape.rows * shape.count, 0, most);
  std::vector<float> reals;
  for (const uint8_t value : values) reals.push_back(static_cast<float>(value) - 100);
  const auto bytes = std::make_shared<GuardedBuffer>(std::span<const uint8_t>(values));
  const auto floats = std::make_shared<GuardedBuffer>(std::span<const float>(reals));
  const bool columns = draw.chance();
  return std::make_unique<CallLayer>(CallLayer::Parts{
      .description = describe(of_floats ? "argmax of float32" : "argmax of u8", shape) +
                     (columns ? ", of columns" : ""),
      .items = columns ? shape.count : shape.rows,
      .output_bytes = (columns ? shape.count : shape.rows) * sizeof(int32_t),
      .output_alignment = sizeof(int32_t),
      .call = [=](const KernelTable& table, Range items, std::byte* output) {
        for (std::size_t item = items.begin; item < items.end; ++item) {
          const std::size_t first = columns ? item : item * shape.count;
          const std::size_t count = columns ? shape.rows : shape.count;
          const std::size_t stride = columns ? shape.count : 1;
          const int32_t index = of_floats
                                    ? table.argmax_float(floats->as<float>() + first, count, stride)
                                    : table.argmax_u8(bytes->as<uint8_t>() + first, count, stride);
          std::memcpy(output + item * sizeof(index), &index, sizeof(index));
        }
      }});
}

}  // namespace

std::vector<float> softmax_table(double scale) {
  std::vector<float> table;
  for (int d = 0; d < 256; ++d) {
    table.push_back(static_cast<float>(kernels::exp_float64(-scale * d)));
  }
  return table;
}

SoftmaxParams draw_softmax(Draw& draw) {
  return {.quantized = draw.chance(),
          .output = {.inverse_scale = draw.pick({256.0F, 255.0F, 1000.0F}),
                     .zero_point = draw.pick({0, 3})}};
}

std::unique_ptr<Layer> draw_softmax_layer(Draw& draw) {
  const Rows shape = draw_rows(draw);
  switch (draw.below(4)) {
    case 0:
      return draw_byte_softmax(draw, shape);
    case 1:
      return draw_float_softmax(draw, shape);
    case 2:
      return draw_argmax(draw, shape, false);
    default:
      return draw_argmax(draw, shape, true);
  }
}

}  // namespace octet::test
