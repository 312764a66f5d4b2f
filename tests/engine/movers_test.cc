// Operators that only move elements, as sessions run them: on every instruction set, for every
// type, on shapes with many extents of 1, against index arithmetic. An operand of a concat may have
// another scale than the result.
#include <cmath>
#include <numeric>
#include <optional>

#include "kernels/kernels.h"
#include "tests/engine/index.h"
#include "tests/graph/run_graph.h"
#include "tests/kernels/random.h"

namespace octet::test {
namespace {

constexpr float pad_value = 0.75F;

struct Mover {
  Op op = Op::concat;
  Attributes attributes;
  std::vector<Shape> shapes;
  std::vector<Quantization> scales;  ///< For each operand; empty: all is float32.
  Quantization scale;                ///< The scale of the result.

  std::string describe() const {
    std::string text = op_name(op);
    for (const Shape& shape : shapes) text += " " + shape_text(shape);
    return text + (scales.empty() ? " float32" : " u8");
  }
};

/// An element of one of the operands.
struct Source {
  std::size_t operand = 0;
  Index index;
};

/// Returns the element that the result has at `index`; nothing for padding.
std::optional<Source> source_of(const Mover& mover, Index index) {
  Source source{.index = index};
  const Shape& x = mover.shapes[0];
  if (const auto* slice = std::get_if<SliceAttributes>(&mover.attributes)) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      source.index[i] = slice->begin[i] + index[i] * slice->stride[i];
    }
  } else if (const auto* pad = std::get_if<PadAttributes>(&mover.attributes)) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      source.index[i] = index[i] - pad->before[i];
      if (source.index[i] < 0 || source.index[i] >= x[i]) return std::nullopt;
    }
  } else if (const auto* transpose = std::get_if<TransposeAttributes>(&mover.attributes)) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      source.index[static_cast<std::size_t>(transpose->permutation[i])] = index[i];
    }
  } else if (const auto* resize = std::get_if<ResizeAttributes>(&mover.attributes)) {
    source.index[1] = index[1] * x[1] / resize->output_h;
    source.index[2] = index[2] * x[2] / resize->output_w;
  } else {
    const auto axis = static_cast<std::size_t>(std::get<AxisAttributes>(mover.attributes).axis);
    while (source.index[axis] >= mover.shapes[source.operand][axis]) {
      source.index[axis] -= mover.shapes[source.operand++][axis];
    }
  }
  return source;
}

uint8_t quantized(float value, const Quantization& q) {
  const float rounded = std::nearbyint(value / q.scale) + static_cast<float>(q.zero_point);
  return static_cast<uint8_t>(std::clamp(rounded, 0.0F, 255.0F));
}

uint8_t requantized(uint8_t value, const Quantization& from, const Quantization& to) {
  if (from.scale == to.scale && from.zero_point == to.zero_point) return value;
  const float real = static_cast<float>(value - from.zero_point) * (from.scale / to.scale);
  const float rounded = std::nearbyint(real) + static_cast<float>(to.zero_point);
  return static_cast<uint8_t>(std::clamp(rounded, 0.0F, 255.0F));
}

/// Makes a file of the mover between quantize nodes and an output, which no pass sees.
Model model_of(const Mover& mover) {
  GraphMaker m;
  std::vector<TensorId> operands;
  for (std::size_t i = 0; i < mover.shapes.size(); ++i) {
    const TensorId x = m.input(mover.shapes[i]);
    operands.push_back(
        mover.scales.empty() ? x : m.quantize("q" + std::to_string(i), x, mover.scales[i]));
  }
  const TensorId y = m.node("y", mover.op, mover.attributes, operands);
  if (!mover.scales.empty()) m.scale(y, mover.scale.scale, mover.scale.zero_point);
  Graph graph = m.finish({y});
  for (Node& node : graph.nodes) {
    node.precision = mover.scales.empty() ? graph::Precision::float32 : graph::Precision::int8;
    if (!mover.scales.empty()) graph.tensor(node.output()).type = Type::u8;
  }
  const auto bytes = graph::write_model(graph);
  REQUIRE(bytes);
  auto model = Model::from_memory(*bytes);
  INFO((model ? "" : model.error().message));
  REQUIRE(model);
  return std::move(*model);
}

void check(const Mover& mover, Random& random) {
  std::vector<std::vector<uint8_t>> bytes;
  std::vector<Values> inputs;
  for (std::size_t i = 0; i < mover.shapes.size(); ++i) {
    bytes.push_back(random.bytes(static_cast<std::size_t>(element_count(mover.shapes[i]))));
    Values& values = inputs.emplace_back();
    for (const uint8_t b : bytes.back()) {
      values.push_back(mover.scales.empty() ? static_cast<float>(b)
                                            : static_cast<float>(b - mover.scales[i].zero_point) *
                                                  mover.scales[i].scale);
    }
  }
  const Model model = model_of(mover);
  const Shape& shape = model.outputs()[0].shape;
  std::vector<uint8_t> expected_bytes;
  std::vector<float> expected_values;
  for (std::size_t i = 0; i < static_cast<std::size_t>(element_count(shape)); ++i) {
    const auto source = source_of(mover, unravel(shape, i));
    const auto value = [&] {
      return bytes[source->operand][ravel(mover.shapes[source->operand], source->index)];
    };
    if (mover.scales.empty()) {
      expected_values.push_back(source ? static_cast<float>(value()) : pad_value);
    } else {
      expected_bytes.push_back(
          source ? requantized(value(), mover.scales[source->operand], mover.scale)
                 : quantized(pad_value, mover.scale));
    }
  }
  for (const kernels::KernelTable* table : kernels::available_tables()) {
    const int threads = random.integer(1, 2);
    INFO("seed " << random.seed << ", " << mover.describe() << " on " << table->name << ", "
                 << threads << " threads");
    auto session = Session::create(model, {.threads = threads, .isa = table->name});
    REQUIRE(session);
    for (std::size_t i = 0; i < inputs.size(); ++i) REQUIRE(session->set_input(i, inputs[i]));
    REQUIRE(session->run());
    if (mover.scales.empty()) {
      CHECK(std::ranges::equal(session->output(0).values<float>(), expected_values));
    } else {
      CHECK(std::ranges::equal(session->output(0).values<uint8_t>(), expected_bytes));
    }
  }
}

int32_t draw_extent(Draw& draw) { return draw.chance(0.5) ? 1 : draw.pick({2, 3, 5, 7, 19, 70}); }

Shape draw_shape(Draw& draw, std::size_t rank) {
  Shape shape(rank);
  for (int32_t& extent : shape) {
    extent = draw_extent(draw);
    if (element_count(shape) > 20000) extent = 1;
  }
  return shape;
}

Quantization draw_quantization(Draw& draw) {
  const float scale = draw.real(0.005F, 0.05F);
  return {scale, draw.integer(0, 255)};
}

void give_scales(Mover& mover, Draw& draw) {
  if (draw.chance(0.3)) return;
  mover.scale = draw_quantization(draw);
  for (std::size_t i = 0; i < mover.shapes.size(); ++i) {
    const bool other = mover.op == Op::concat && draw.chance(0.7);
    mover.scales.push_back(other ? draw_quantization(draw) : mover.scale);
  }
}

Mover draw_concat(Draw& draw) {
  const Shape shape = draw_shape(draw, static_cast<std::size_t>(draw.integer(1, 5)));
  const int32_t axis = draw.integer(0, static_cast<int32_t>(shape.size()) - 1);
  Mover mover{.op = Op::concat, .attributes = AxisAttributes{.axis = axis}};
  mover.shapes.assign(static_cast<std::size_t>(draw.integer(1, 4)), shape);
  for (Shape& s : mover.shapes) {
    s[static_cast<std::size_t>(axis)] = draw.chance(0.6) ? 1 : draw.integer(2, 6);
  }
  return mover;
}

Mover draw_slice(Draw& draw) {
  const Shape shape = draw_shape(draw, static_cast<std::size_t>(draw.integer(1, 5)));
  SliceAttributes slice;
  for (const int32_t extent : shape) {
    const int32_t stride = draw.pick({1, 1, 2, -1, -2});
    slice.begin.push_back(draw.integer(0, extent - 1));
    slice.stride.push_back(stride);
    const int32_t room = stride > 0 ? extent - 1 - slice.begin.back() : slice.begin.back();
    slice.count.push_back(draw.chance(0.4) ? 1 : draw.integer(1, room / std::abs(stride) + 1));
  }
  return {.op = Op::slice, .attributes = slice, .shapes = {shape}};
}

Mover draw_pad(Draw& draw) {
  const Shape shape = draw_shape(draw, static_cast<std::size_t>(draw.integer(1, 5)));
  PadAttributes pad{.value = pad_value};
  for (std::size_t i = 0; i < shape.size(); ++i) {
    pad.before.push_back(draw.pick({0, 0, 1, 2}));
    pad.after.push_back(draw.pick({0, 0, 1, 2}));
  }
  return {.op = Op::pad, .attributes = pad, .shapes = {shape}};
}

Mover draw_transpose(Draw& draw) {
  const Shape shape = draw_shape(draw, static_cast<std::size_t>(draw.integer(1, 5)));
  TransposeAttributes transpose;
  transpose.permutation.resize(shape.size());
  std::iota(transpose.permutation.begin(), transpose.permutation.end(), 0);
  for (std::size_t i = shape.size(); i-- > 1;) {
    const auto other = static_cast<std::size_t>(draw.integer(0, static_cast<int32_t>(i)));
    std::swap(transpose.permutation[i], transpose.permutation[other]);
  }
  return {.op = Op::transpose, .attributes = transpose, .shapes = {shape}};
}

Mover draw_resize(Draw& draw) {
  const Shape shape = draw_shape(draw, 4);
  const ResizeAttributes resize = {.output_h = draw_extent(draw), .output_w = draw_extent(draw)};
  return {.op = Op::resize, .attributes = resize, .shapes = {shape}};
}

void check_many(uint32_t salt, Mover (*draw)(Draw&)) {
  Random random(salt);
  for (int round = 0; round < 300; ++round) {
    Mover mover = draw(random);
    give_scales(mover, random);
    check(mover, random);
  }
}

TEST_CASE("a channel of its own beside others, of another scale, is written between them") {
  Random random(60);
  const Quantization fine = {0.01F, 3};
  const Quantization coarse = {0.04F, 120};
  check({.op = Op::concat,
         .attributes = AxisAttributes{.axis = 3},
         .shapes = {{1, 19, 23, 1}, {1, 19, 23, 4}, {1, 19, 23, 1}},
         .scales = {fine, coarse, fine},
         .scale = coarse},
        random);
}

TEST_CASE("concats of random shapes, types and scales") { check_many(61, draw_concat); }
TEST_CASE("slices of random shapes and types") { check_many(62, draw_slice); }
TEST_CASE("pads of random shapes and types") { check_many(63, draw_pad); }
TEST_CASE("transposes of random shapes and types") { check_many(64, draw_transpose); }
TEST_CASE("nearest resizes of random shapes and types") { check_many(65, draw_resize); }

TEST_CASE("a file of a few bytes that resizes between coprime sizes makes a small session") {
  const Mover mover{.op = Op::resize,
                    .attributes = ResizeAttributes{.output_h = 1503, .output_w = 1503},
                    .shapes = {{1, 1501, 1501, 1}}};
  Random random(66);
  check(mover, random);
}

}  // namespace
}  // namespace octet::test
