#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/model_data.h"
#include "engine/movement.h"
#include "engine/operator_table.h"

namespace octet {
namespace {

// Whether it has one scale for all. A tensor with scales of channels has none: nodes that do not
// ask for them refuse it.
bool is_quantized(const TensorRecord& t) { return t.info.type == Type::u8 && t.info.scale > 0; }

bool is_u8(const TensorRecord& t) { return is_quantized(t) || t.has_channel_scales(); }

// Whether channels [begin, ...) of `part`, every `stride`-th of them, have the scales and zero
// points of the channels of `whole`, so that bytes can be copied from one to the other.
bool same_channels(const TensorRecord& part, std::size_t begin, std::size_t stride,
                   const TensorRecord& whole) {
  const auto channels = static_cast<std::size_t>(whole.info.shape.back());
  for (std::size_t c = 0; c < channels; ++c) {
    const std::size_t other = begin + c * stride;
    if (part.scale_of(other) != whole.scale_of(c) ||
        part.zero_point_of(other) != whole.zero_point_of(c))
      return false;
  }
  return true;
}

// Whether the channels' scales are those of `other`, all times one number, so that one multiplier
// leads from one to the other, and all channels have the same zero point.
bool in_proportion(const TensorRecord& t, const TensorRecord& other) {
  // Products of a number and of a factor for each channel differ by their rounding.
  constexpr double rounding = 1e-6;
  if (!is_u8(t) || !is_u8(other) || !t.has_one_zero_point()) return false;
  const auto channels =
      t.has_channel_scales() ? t.channel_scales.size() : other.channel_scales.size();
  if (channels > 0 && t.info.shape.back() != other.info.shape.back()) return false;
  const double ratio = double{t.scale_of(0)} / double{other.scale_of(0)};
  for (std::size_t c = 1; c < channels; ++c) {
    const double of_channel = double{t.scale_of(c)} / double{other.scale_of(c)};
    if (!(std::abs(of_channel - ratio) <= rounding * ratio)) return false;
  }
  return true;
}

bool same_quantization(const TensorRecord& a, const TensorRecord& b) {
  return a.info.type != Type::u8 ||
         (a.info.scale == b.info.scale && a.info.zero_point == b.info.zero_point);
}

// Whether the sums of all channels fit s32 even if every activation is 255 away from its zero
// point.
bool accumulator_fits(const TensorRecord& weight, std::span<const int32_t> bias) {
  const auto terms = static_cast<int64_t>(weight.data.size() / bias.size());
  const auto fits = [&](int64_t largest_weight) {
    const int64_t sum = terms * 255 * largest_weight;
    return std::ranges::all_of(bias, [&](int32_t b) {
      return sum + std::abs(int64_t{b}) <= std::numeric_limits<int32_t>::max();
    });
  };
  if (!weight.channel_zero_points.empty()) return fits(255);
  // The weights are only looked through if it matters that none of them is -128, because there are
  // many.
  if (fits(128)) return true;
  const auto* w = weight.values<int8_t>();
  const bool has_lowest =
      std::find(w, w + weight.data.size(), int8_t{-128}) != w + weight.data.size();
  return !has_lowest && fits(127);
}

Expected<void> expect(bool condition, const char* message) {
  if (!condition) return fail(message);
  return {};
}

// Checks the function inside a layer. Its numbers are finite, and the first and the last piece are
// lines.
Expected<void> check_function(const ConvAttributes& a, std::size_t channels) {
  const InnerFunction& f = a.function;
  std::size_t wanted = 0;
  switch (f.form) {
    case kernels::FunctionForm::none:
    case kernels::FunctionForm::hard_swish:
      break;
    case kernels::FunctionForm::pieces:
      wanted = numbers_before_coefficients + kernels::piece_coefficients * kernels::function_pieces;
      break;
    case kernels::FunctionForm::slopes:
      wanted = channels;
      break;
  }
  if (f.numbers.size() != wanted) return fail("has another number of numbers than its function");
  if (!std::ranges::all_of(f.numbers, [](float v) { return std::isfinite(v); }))
    return fail("has a function with numbers that are not finite");
  if (f.takes_residual && !a.has_residual) return fail("has no residual for its function");
  if (f.form == kernels::FunctionForm::none) return {};
  if (a.inner_bounds.bounded()) return fail("has both a function and bounds before the residual");
  if (f.form != kernels::FunctionForm::pieces) return {};
  for (std::size_t k = 2; k < kernels::piece_coefficients; ++k) {
    const float* row =
        f.numbers.data() + numbers_before_coefficients + k * kernels::function_pieces;
    const bool first_is_line = f.symmetry != kernels::Symmetry::none || row[0] == 0;
    if (!first_is_line || row[kernels::function_pieces - 1] != 0)
      return fail("has a function whose ends are no straight lines");
  }
  return {};
}

Expected<void> check_residual(const Model::Data& data, const NodeRecord& node) {
  const auto& a = std::get<ConvAttributes>(node.attributes);
  if (!a.has_residual) return {};
  const TensorRecord& y = data.tensor(node.output());
  const TensorRecord& residual = data.tensor(node.inputs.back());
  if (!is_u8(y) || !is_u8(residual)) return fail("adds a residual only from u8 to u8");
  if (a.function.takes_residual)
    return expect(is_quantized(residual) && is_quantized(y),
                  "takes a residual into its function, and has a scale for each channel");
  if (!in_proportion(residual, y))
    return fail(
        "adds a residual whose channels have scales in other proportions than its result's");
  const Bounds& inner = a.inner_bounds;
  const bool bounds_fit = (inner.min == 0 || std::isinf(inner.min)) && std::isinf(inner.max);
  return expect(!y.has_channel_scales() || bounds_fit,
                "has bounds before its residual that are no level of each channel");
}

Expected<void> check_layer(const Model::Data& data, const NodeRecord& node) {
  const auto& a = std::get<ConvAttributes>(node.attributes);
  const TensorRecord& x = data.tensor(node.inputs[0]);
  const TensorRecord& weight = data.tensor(node.inputs[1]);
  const TensorRecord& y = data.tensor(node.output());
  if (!a.has_bias) return fail("has no bias");
  const TensorRecord& bias = data.tensor(node.inputs[2]);
  const auto channels = static_cast<std::size_t>(weight.info.shape[0]);
  const bool depthwise =
      is_depthwise(node.op, a, x.info.shape.back(), static_cast<int32_t>(channels));
  if (!is_u8(x)) return fail("takes a quantized input");
  if (!weight.is_constant || weight.info.type != Type::s8 ||
      weight.channel_scales.size() != channels) {
    return fail("takes constant s8 weights with a scale an output channel");
  }
  if (!weight.channel_zero_points.empty() && weight.channel_zero_points.size() != channels) {
    return fail("has another number of weight zero points than output channels");
  }
  if (!bias.is_constant || bias.info.type != Type::s32) return fail("takes a constant s32 bias");
  const bool gives_bytes = is_u8(y);
  if (!gives_bytes && y.info.type != Type::f32) return fail("gives u8 or float32");
  if (auto ok = check_residual(data, node); !ok) return ok;
  if (auto ok = check_function(a, channels); !ok) return ok;
  if (a.function.form != kernels::FunctionForm::none && !gives_bytes)
    return fail("has a function inside only if it gives u8");
  if (!accumulator_fits(weight, {bias.values<int32_t>(), channels})) {
    return fail("has sums that could leave 32 bits: too many products for one output");
  }
  for (std::size_t o = 0; o < channels; ++o) {
    const float y_scale = y.info.type == Type::u8 ? y.scale_of(o) : 1.0f;
    const float x_scale = x.has_channel_scales() && !depthwise ? 1.0f : x.scale_of(o);
    if (!std::isfinite(x_scale * weight.channel_scales[o] * (1.0f / y_scale))) {
      return fail("has scales whose ratio is not a number");
    }
  }
  return {};
}

// Where operands or the result have scales of channels, bytes are copied as they are: of a concat
// or a slice of channels, and where the channels stay what they are.
Expected<void> check_channel_movement(const Model::Data& data, const NodeRecord& node) {
  const TensorRecord& y = data.tensor(node.output());
  const TensorRecord& x = data.tensor(node.inputs[0]);
  constexpr const char* differs = "cannot change the scales or zero points of channels";
  const std::size_t last_axis = y.info.shape.size() - 1;
  if (node.op == Op::concat) {
    const auto axis = static_cast<std::size_t>(std::get<AxisAttributes>(node.attributes).axis);
    std::size_t first = 0;
    for (const int32_t id : node.inputs) {
      const TensorRecord& part = data.tensor(id);
      if (part.is_constant || !is_u8(part)) return fail("takes quantized tensors");
      if (!same_channels(y, axis == last_axis ? first : 0, 1, part)) return fail(differs);
      first += static_cast<std::size_t>(part.info.shape.back());
    }
    return {};
  }
  if (node.op == Op::slice) {
    const auto& slice = std::get<SliceAttributes>(node.attributes);
    if (slice.stride[last_axis] < 0)
      return fail("cannot reverse channels with scales of their own");
    return expect(same_channels(x, static_cast<std::size_t>(slice.begin[last_axis]),
                                static_cast<std::size_t>(slice.stride[last_axis]), y),
                  differs);
  }
  if (node.op != Op::resize) return fail("takes no tensor with a scale for each channel");
  return expect(same_channels(x, 0, 1, y), differs);
}

Expected<void> check_movement(const Model::Data& data, const NodeRecord& node) {
  const TensorRecord& y = data.tensor(node.output());
  const auto by_channel = [&](int32_t id) { return data.tensor(id).has_channel_scales(); };
  if (y.has_channel_scales() || std::ranges::any_of(node.inputs, by_channel))
    return check_channel_movement(data, node);
  for (const int32_t id : node.inputs) {
    const TensorRecord& x = data.tensor(id);
    if (x.info.type != y.info.type || y.info.type == Type::s8) return fail("joins different types");
    if (x.info.type == Type::u8 && (!is_quantized(x) || !is_quantized(y)))
      return fail("takes quantized tensors");
    if (node.op != Op::concat && !same_quantization(x, y))
      return fail("cannot change scale or zero point");
  }
  return {};
}

// Channels with scales of their own have them in the same proportions in operands and result. In a
// product one operand has one scale.
Expected<void> check_arithmetic(const Model::Data& data, const NodeRecord& node) {
  const TensorRecord& a = data.tensor(node.inputs[0]);
  const TensorRecord& b = data.tensor(node.inputs[1]);
  const TensorRecord& y = data.tensor(node.output());
  if (!is_u8(a) || !is_u8(b) || !is_u8(y)) return fail("takes and gives quantized tensors");
  if (is_quantized(a) && is_quantized(b) && is_quantized(y)) return {};
  const auto follows = [&](const TensorRecord& x) {
    return x.info.shape == y.info.shape && in_proportion(x, y);
  };
  const bool fits = node.op == Op::mul
                        ? (follows(a) && is_quantized(b)) || (follows(b) && is_quantized(a))
                        : follows(a) && follows(b);
  return expect(fits && y.has_one_zero_point(),
                "has operands whose channels have scales in other proportions than its result's");
}

Expected<void> check_softmax(const Model::Data& data, const NodeRecord& node) {
  const TensorRecord& x = data.tensor(node.inputs[0]);
  const TensorRecord& y = data.tensor(node.output());
  if (std::get<AxisAttributes>(node.attributes).axis + 1 !=
      static_cast<int32_t>(x.info.shape.size())) {
    return fail("runs over the last axis only");
  }
  if (node.inputs.size() == 1) {
    if (x.info.type != Type::f32 || y.info.type != Type::f32)
      return fail("takes and gives float32, without a table");
    return {};
  }
  const TensorRecord& table = data.tensor(node.inputs[1]);
  if (!is_quantized(x) || (!is_quantized(y) && y.info.type != Type::f32))
    return fail("takes a quantized tensor");
  if (!table.is_constant || table.info.type != Type::f32 || table.info.shape != Shape{256}) {
    return fail("takes a table of 256 float32 values");
  }
  const auto* values = table.values<float>();
  const bool valid = std::all_of(values, values + 256, [](float v) { return v >= 0 && v <= 1; });
  if (!valid || values[0] != 1) return fail("has a table that is not one of exp(-x)");
  return {};
}

Expected<void> check_quantize(const Model::Data& data, const NodeRecord& node) {
  const TensorRecord& x = data.tensor(node.inputs[0]);
  const TensorRecord& y = data.tensor(node.output());
  if (x.info.type != Type::f32 || !is_u8(y))
    return fail("takes float32 and gives a quantized tensor");
  const auto& means = std::get<QuantizeAttributes>(node.attributes).means;
  if (means.size() != y.channel_scales.size())
    return fail("has another number of means than scales");
  const auto fits = [](float mean) { return mean >= -0.5F && mean <= 255.5F; };
  return expect(std::ranges::all_of(means, fits), "has a mean that is no level of a byte");
}

bool is_whole(const TensorRecord& t) { return t.info.type == Type::s32; }

// Checks an add, sub, mul, div or floor_div of s32.
Expected<void> check_whole_arithmetic(const Model::Data& data, const NodeRecord& node) {
  const bool all_whole = is_whole(data.tensor(node.inputs[0])) &&
                         is_whole(data.tensor(node.inputs[1])) &&
                         is_whole(data.tensor(node.output()));
  return expect(all_whole && !std::get<BinaryAttributes>(node.attributes).bounds.bounded(),
                "mixes s32 with others, or bounds it");
}

// gather_nd reads the places of what it moves, top_k gives them.
Expected<void> check_places(const Model::Data& data, const NodeRecord& node, int32_t places) {
  const TensorRecord& x = data.tensor(node.inputs[0]);
  const TensorRecord& y = data.tensor(node.outputs[0]);
  const bool moves = x.info.type == y.info.type && same_quantization(x, y) &&
                     (x.info.type == Type::u8 ? is_quantized(x) : x.info.type != Type::s8);
  return expect(is_whole(data.tensor(places)) && moves && !(node.op == Op::top_k && is_whole(x)),
                "takes s32 indices, and keeps type and scale");
}

Expected<void> check_island_node(const Model::Data& data, const NodeRecord& node) {
  if (!has_float_form(node.op) || node.op == Op::argmax) return fail("cannot be in a float island");
  const auto is_float = [&](int32_t id) { return data.tensor(id).info.type == Type::f32; };
  if (!std::ranges::all_of(node.inputs, is_float) || !is_float(node.outputs[0]))
    return fail("takes and gives float32 in a float island");
  if (const auto* layer = std::get_if<ConvAttributes>(&node.attributes);
      layer != nullptr && layer->function.form != kernels::FunctionForm::none)
    return fail("has a function inside, which only int8 layers have");
  if (node.op == Op::top_k) return check_places(data, node, node.outputs[1]);
  if (node.op == Op::softmax && node.inputs.size() != 1)
    return fail("takes one operand in a float island");
  return {};
}

}  // namespace

Expected<void> check_node_types(const Model::Data& data, const NodeRecord& node, bool island) {
  for (const int32_t id : node.outputs) {
    if (data.tensor(id).is_constant) return fail("writes to a constant");
  }
  if (island) return check_island_node(data, node);
  const TensorRecord& x = data.tensor(node.inputs[0]);
  const TensorRecord& y = data.tensor(node.outputs[0]);
  const bool u8_to_u8 = is_quantized(x) && is_quantized(y);
  if (node.op == Op::pad && is_whole(y)) {
    const float value = std::get<PadAttributes>(node.attributes).value;
    if (!(std::abs(value) <= 0x1p24F && std::trunc(value) == value))
      return expect(false, "pads s32 with no whole number");
  }
  if (is_movement(node.op, node.attributes)) return check_movement(data, node);
  switch (kind_of(node.op)) {
    case Kind::conv2d:
    case Kind::linear:
      return check_layer(data, node);
    case Kind::arithmetic:
      if (node.op == Op::div || node.op == Op::floor_div || is_whole(x) || is_whole(y) ||
          is_whole(data.tensor(node.inputs[1])))
        return check_whole_arithmetic(data, node);
      return check_arithmetic(data, node);
    case Kind::cast:
      return expect(
          (is_whole(x) && y.info.type == Type::f32) || (x.info.type == Type::f32 && is_whole(y)),
          "goes from s32 to f32 or back");
    case Kind::gather_nd:
      return check_places(data, node, node.inputs[1]);
    case Kind::top_k:
      return check_places(data, node, node.outputs[1]);
    case Kind::max_pool:
      return expect(is_u8(x) && is_u8(y) && same_channels(x, 0, 1, y),
                    "keeps its input's scale and zero point");
    case Kind::average_pool:
      if (!average_pool_fits(std::get<PoolAttributes>(node.attributes), x.info.shape)) {
        return fail("has sums that could leave 32 bits: too many pixels for one output");
      }
      return expect(in_proportion(x, y) && y.has_one_zero_point(),
                    "takes and gives quantized tensors, with channels in the same proportions");
    case Kind::requantize:
      return expect(u8_to_u8, "takes and gives quantized tensors");
    case Kind::softmax:
      return check_softmax(data, node);
    case Kind::argmax:
      return expect((is_quantized(x) || x.info.type == Type::f32) && y.info.type == Type::s32,
                    "takes u8 or float32 and gives s32");
    case Kind::lookup: {
      const TensorRecord& table = data.tensor(node.inputs[1]);
      const bool table_fits =
          table.is_constant && table.info.type == Type::u8 && table.info.shape == Shape{256};
      return expect(u8_to_u8 && table_fits,
                    "takes a quantized tensor and a table of 256 u8 values");
    }
    case Kind::quantize:
      return check_quantize(data, node);
    case Kind::dequantize:
      return expect(is_quantized(x) && y.info.type == Type::f32,
                    "takes a quantized tensor and gives float32");
    case Kind::concat:  // the movements are checked above
    case Kind::slice:
    case Kind::pad:
    case Kind::reshape:
    case Kind::transpose:
    case Kind::resize:
    case Kind::log_softmax:
    case Kind::clip:
    case Kind::mean:
    case Kind::batch_norm:
    case Kind::prelu:
    case Kind::function:
    case Kind::identity:
      break;
  }
  return expect(false, is_whole(x) ? "takes no s32" : "has no int8 kernel");
}

}  // namespace octet
