#include "tests/kernels/layer.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "tests/kernels/conv_layer.h"
#include "tests/kernels/copy_layer.h"
#include "tests/kernels/elementwise_layer.h"
#include "tests/kernels/guarded_buffer.h"
#include "tests/kernels/pool_layer.h"
#include "tests/kernels/softmax_layer.h"

namespace octet::test {

using kernels::Range;

std::vector<Range> in_one(std::size_t items) { return {{.begin = 0, .end = items}}; }

std::vector<Range> in_two(std::size_t items) {
  if (items < 2) return in_one(items);
  return {{.begin = items / 2, .end = items}, {.begin = 0, .end = items / 2}};
}

Cut in_some(Draw& draw) {
  return [&draw](std::size_t items) {
    std::vector<Range> ranges;
    for (std::size_t begin = 0; begin < items; begin = ranges.back().end) {
      const std::size_t length = 1 + draw.below(static_cast<uint32_t>(items - begin));
      ranges.push_back({.begin = begin, .end = begin + length});
    }
    return ranges;
  };
}

std::vector<Output> CallLayer::run(const kernels::KernelTable& table,
                                   std::span<const Cut> cuts) const {
  std::vector<Output> outputs;
  for (std::size_t cut = 0; cut < cuts.size(); ++cut) {
    const GuardedBuffer output(parts_.output_bytes, parts_.output_alignment);
    for (const Range& range : cuts[cut](parts_.items)) {
      parts_.call(table, range, output.data());
    }
    const auto bytes = output.bytes();
    outputs.push_back({.kernel = table.name, .cut = cut, .bytes = {bytes.begin(), bytes.end()}});
  }
  return outputs;
}

std::unique_ptr<Layer> draw_layer(Draw& draw, int64_t most_products) {
  // Most code is in convolutions, and most mistakes are possible there.
  switch (draw.below(16)) {
    default:
      return std::make_unique<ConvLayer>(
          draw_conv_layer(draw, draw_conv_geometry(draw, most_products)));
    case 10:
      return draw_max_pool_layer(draw, most_products);
    case 11:
      return draw_average_pool_layer(draw, most_products);
    case 12:
      return draw_binary_layer(draw);
    case 13:
      return draw_elementwise_layer(draw);
    case 14:
      return draw_softmax_layer(draw);
    case 15:
      return draw_copy_layer(draw);
  }
}

std::unique_ptr<Layer> draw_layer_with_ending(Draw& draw, int64_t most_products) {
  auto layer =
      std::make_unique<ConvLayer>(draw_conv_layer(draw, draw_conv_geometry(draw, most_products)));
  draw_ending(draw, *layer);
  return layer;
}

std::unique_ptr<Layer> draw_layer_with_channels(Draw& draw, int64_t most_products) {
  auto layer =
      std::make_unique<ConvLayer>(draw_conv_layer(draw, draw_conv_geometry(draw, most_products)));
  if (draw.chance()) draw_ending(draw, *layer);
  draw_channels(draw, *layer);
  return layer;
}

std::vector<std::byte> reference_output(const Layer& layer) {
  const std::array<Cut, 1> cut = {in_one};
  return layer.run(*kernels::find_table(kernels::Isa::reference), cut).back().bytes;
}

std::optional<std::string> find_difference(const Layer& layer,
                                           std::span<const std::byte> expected) {
  const std::array<Cut, 2> cuts = {in_one, in_two};
  for (const kernels::KernelTable* table : kernels::available_tables()) {
    for (const Output& output : layer.run(*table, cuts)) {
      if (std::ranges::equal(output.bytes, expected)) continue;
      const auto [got, wanted] = std::ranges::mismatch(output.bytes, expected);
      std::ostringstream text;
      text << layer.describe() << ": table " << table->name << ", kernel " << output.kernel
           << (output.cut == 0 ? ", in one range" : ", in two ranges") << ": byte "
           << got - output.bytes.begin() << " of " << expected.size() << " is "
           << std::to_integer<int>(*got) << " instead of " << std::to_integer<int>(*wanted);
      return text.str();
    }
  }
  return std::nullopt;
}

}  // namespace octet::test
