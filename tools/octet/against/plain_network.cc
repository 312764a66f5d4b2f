#include "tools/octet/against/plain_network.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/float/step.h"
#include "tools/octet/against/dequantized.h"

namespace octet::tool {
namespace {

constexpr std::size_t floats_read_beyond = 4;

/// Splits nodes that octet fuses, and collects the values that need a scale.
class Splitter {
 public:
  explicit Splitter(const Model::Data& model) : network_{.model = model} {
    for (const TensorRecord& tensor : model.tensors) {
      const bool quantized = tensor.info.type == Type::u8;
      const ScaleOfAll all = scale_of_all(tensor);
      network_.values.push_back({.shape = tensor.info.shape,
                                 .quantized = quantized,
                                 .scale = all.scale,
                                 .zero_point = quantized ? all.zero_point - 128 : 0,
                                 .constant = tensor.is_constant ? &tensor : nullptr});
    }
  }

  Expected<void> split() {
    for (const NodeRecord& node : network_.model.nodes) {
      if (node.op == Op::gather_nd || node.op == Op::cast ||
          std::ranges::any_of(node.outputs, [&](int32_t id) {
            return network_.model.tensor(id).info.type == Type::s32;
          })) {
        return fail(network_.model.path + ": node '" + node.name + "' (" + op_name(node.op) +
                    ") has no counterpart in XNNPACK");
      }
      const bool layer = node.op == Op::conv2d || node.op == Op::linear;
      if (layer && network_.model.tensor(node.inputs[1]).info.type == Type::s8) {
        if (auto ok = split_layer(node); !ok) return ok;
        continue;
      }
      PlainNode plain{.name = node.name,
                      .op = node.op,
                      .attributes = node.attributes,
                      .inputs = node.inputs,
                      .outputs = node.outputs};
      if (node.op == Op::softmax || node.op == Op::lookup) plain.inputs.resize(1);  // no table
      if (node.op == Op::lookup) {
        auto function = function_of_table(network_.model, node);
        if (!function) return tl::unexpected(function.error());
        plain.op = function->op;
        plain.attributes = std::move(function->attributes);
      }
      network_.nodes.push_back(std::move(plain));
    }
    return {};
  }

  PlainNetwork& network() { return network_; }
  const std::vector<int32_t>& without_scale() const { return without_scale_; }

 private:
  int32_t add_value(const Shape& shape) {
    const auto id = static_cast<int32_t>(network_.values.size());
    network_.values.push_back({.shape = shape, .quantized = true});
    without_scale_.push_back(id);
    return id;
  }

  Expected<void> split_layer(const NodeRecord& node) {
    const auto& whole = std::get<ConvAttributes>(node.attributes);
    const bool residual = whole.has_residual;
    const bool function = whole.function.form != kernels::FunctionForm::none;
    const bool to_float = !network_.value(node.output()).quantized;
    if (function && whole.function.function == Op::prelu) {
      return fail(network_.model.path + ": node '" + node.name +
                  "' has a prelu inside, which has no counterpart here");
    }
    ConvAttributes attributes = whole;
    if (residual || function) attributes.bounds = attributes.inner_bounds;
    attributes.has_residual = false;
    attributes.inner_bounds = {};
    attributes.function = {};
    attributes.has_bias = true;
    // What comes behind the layer, in order; the last one gives the layer's result.
    std::vector<PlainNode> behind;
    const PlainNode sum{.name = node.name + " + residual", .op = Op::add};
    if (residual && (!function || whole.function.takes_residual)) behind.push_back(sum);
    if (function) {
      TableFunction found = function_of_layer(whole);
      behind.push_back({.name = node.name + " " + op_name(found.op),
                        .op = found.op,
                        .attributes = std::move(found.attributes)});
    }
    if (residual && function && !whole.function.takes_residual) behind.push_back(sum);
    if (to_float) behind.push_back({.name = node.name + " in float", .op = Op::dequantize});
    int32_t made = behind.empty() ? node.output() : add_value(network_.value(node.output()).shape);
    network_.nodes.push_back({.name = node.name,
                              .op = node.op,
                              .attributes = attributes,
                              .inputs = {node.inputs[0]},
                              .outputs = {made},
                              .layer = &node});
    for (std::size_t i = 0; i < behind.size(); ++i) {
      PlainNode& next = behind[i];
      const bool last = i + 1 == behind.size();
      next.inputs = {made};
      if (next.op == Op::add) {
        next.inputs.push_back(node.inputs.back());
        next.attributes = BinaryAttributes{.bounds = last ? whole.bounds : Bounds{}};
      }
      made = last ? node.output() : add_value(network_.value(node.output()).shape);
      next.outputs = {made};
      network_.nodes.push_back(std::move(next));
    }
    return {};
  }

  PlainNetwork network_;
  std::vector<int32_t> without_scale_;
};

/// The node's attributes, with bounds that keep its result within its bytes, as octet's result
/// saturates. A ReLU may be nothing but a zero point, and an input unlike those of the calibration
/// would give values that octet never has.
Attributes saturating(const PlainNetwork& network, const PlainNode& node) {
  Attributes attributes = node.attributes;
  const PlainValue& y = network.value(node.outputs[0]);
  if (y.quantized && y.scale > 0) {
    keep_within(attributes, y.scale * static_cast<float>(-128 - y.zero_point),
                y.scale * static_cast<float>(127 - y.zero_point));
  }
  return attributes;
}

/// Sets the scale that covers all of `values`, and 0 exactly.
void set_scale(PlainValue& value, const std::vector<float>& values) {
  const auto [low, high] = std::ranges::minmax(values);
  const float min = std::min(low, 0.0F);
  const float max = std::max(high, 0.0F);
  value.scale = std::max((max - min) / 255.0F, 1e-20F);
  const float zero = std::nearbyint(-128.0F - min / value.scale);
  value.zero_point = static_cast<int32_t>(std::clamp(zero, -128.0F, 127.0F));
}

Expected<void> find_scales(PlainNetwork& network, const std::vector<int32_t>& ids,
                           const std::vector<std::vector<float>>& inputs) {
  if (ids.empty()) return {};
  PlainFloat::Outside outside;
  std::map<int32_t, std::vector<float>> memory;
  const auto place = [&](int32_t id, std::vector<float> values) {
    values.resize(values.size() + floats_read_beyond);
    outside[id] = (memory[id] = std::move(values)).data();
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) place(network.model.inputs[i], inputs[i]);
  for (const int32_t id : ids) {
    place(id, std::vector<float>(static_cast<std::size_t>(element_count(network.value(id).shape))));
  }
  std::vector<std::size_t> all(network.nodes.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const auto run = PlainFloat::create(network, all, outside, nullptr);
  if (!run) return tl::unexpected(run.error());
  if (auto ok = run->run(); !ok) return ok;
  for (const int32_t id : ids) {
    std::vector<float>& values = memory[id];
    values.resize(values.size() - floats_read_beyond);
    set_scale(network.values[static_cast<std::size_t>(id)], values);
  }
  return {};
}

}  // namespace

Expected<PlainNetwork> make_plain_network(const Model::Data& model,
                                          const std::vector<std::vector<float>>& inputs) {
  Splitter splitter(model);
  if (auto ok = splitter.split(); !ok) return tl::unexpected(ok.error());
  if (auto ok = find_scales(splitter.network(), splitter.without_scale(), inputs); !ok) {
    return tl::unexpected(ok.error());
  }
  return std::move(splitter.network());
}

Expected<PlainFloat> PlainFloat::create(const PlainNetwork& network,
                                        const std::vector<std::size_t>& nodes,
                                        const Outside& outside, pthreadpool_t pool) {
  PlainFloat made;
  std::vector<FloatNode> float_nodes;
  std::vector<FloatValue> values;
  std::vector<int32_t> same_as;  // quantize and dequantize give the operand itself
  for (const PlainValue& value : network.values) {
    same_as.push_back(static_cast<int32_t>(values.size()));
    FloatValue& to = values.emplace_back(FloatValue{.shape = value.shape});
    if (value.constant == nullptr) continue;
    if (value.constant->info.type == Type::f32) to.constant = value.constant->values<float>();
    if (!value.quantized) continue;
    made.constants_.push_back(dequantize_operand(*value.constant));
    to.constant = made.constants_.back().data();
  }
  for (const auto& [id, memory] : outside) values[static_cast<std::size_t>(id)].external = memory;
  const auto add_constant = [&](const Shape& shape, std::vector<float> from) {
    made.constants_.push_back(std::move(from));
    values.push_back({.shape = shape, .constant = made.constants_.back().data()});
    return static_cast<int32_t>(values.size() - 1);
  };
  for (const std::size_t index : nodes) {
    const PlainNode& node = network.nodes[index];
    FloatNode to{.name = node.name,
                 .op = node.op == Op::requantize ? Op::clip : node.op,
                 .attributes = saturating(network, node),
                 .outputs = node.outputs};
    for (const int32_t id : node.inputs) to.inputs.push_back(same_as[static_cast<std::size_t>(id)]);
    const bool converts = node.op == Op::quantize || node.op == Op::dequantize;
    if (converts && outside.contains(node.output())) {
      // It is read from outside, so it becomes a copy within the range of its bytes.
      to.op = Op::clip;
      to.attributes = ClipAttributes{};
      to.attributes = saturating(network, {.attributes = to.attributes, .outputs = node.outputs});
    } else if (converts) {
      same_as[static_cast<std::size_t>(node.output())] = to.inputs[0];
      continue;
    }
    if (node.layer != nullptr) {
      const Model::Data& model = network.model;
      DequantizedLayer layer = dequantize_layer(model, *node.layer);
      const TensorRecord& weight = model.tensor(node.layer->inputs[1]);
      const TensorRecord& bias = model.tensor(node.layer->inputs[2]);
      to.inputs.push_back(add_constant(weight.info.shape, std::move(layer.weights)));
      to.inputs.push_back(add_constant(bias.info.shape, std::move(layer.bias)));
    }
    float_nodes.push_back(std::move(to));
  }
  auto island = create_float_island(std::move(float_nodes), std::move(values), pool,
                                    kernels::best_table(), FloatBackend::fastest);
  if (!island) return fail(network.model.path + ": " + island.error().message);
  made.island_ = std::move(*island);
  return made;
}

}  // namespace octet::tool
