// Convolutions, matrix products, batch norms.
#include <algorithm>
#include <cmath>

#include "loaders/onnx/operators.h"
#include "loaders/onnx/weights.h"
#include "loaders/onnx/window.h"
#include "loaders/phases.h"

namespace octet::loaders::onnx {

using graph::TensorId;

namespace {

// Adds a vector of `channels` floats.
TensorId add_vector(Builder& builder, const Node& node, const Constant& values, int32_t channels,
                    const char* suffix) {
  if (!values.is_float() || values.size() != static_cast<std::size_t>(channels)) {
    node.fail("has " + std::to_string(values.size()) + " values in '" + suffix + "' for " +
              std::to_string(channels) + " channels");
  }
  return builder.add_floats(node, suffix, {channels}, values.floats);
}

// Reports shapes in the file's order of axes, which the graph's own checks do not know.
[[noreturn]] void refuse_weights(const Node& node, const Constant& weights, const Value& x,
                                 const std::string& form = "") {
  node.fail("has weights " + shape_text(shape_of(weights.dims, node.where() + "its weight ")) +
            " for input " + shape_text(x.shape) + form);
}

// Returns x [..., I], stored in any order that has I last.
Value rows(Builder& builder, const Value& x) {
  const std::size_t rank = x.shape.size();
  const bool fits = rank > 0 && x.order.back() == static_cast<int32_t>(rank) - 1;
  return fits ? x : builder.stored_as(x, identity_order(rank));
}

// Adds a layer with weights [O, I] and a bias that is added to all rows.
Value linear(Builder& builder, const Node& node, const Value& given, const Constant& weights,
             const std::vector<float>& bias) {
  const Value x = rows(builder, given);
  const LayerWeights w = add_weights(builder, node, weights);
  ConvAttributes a{.has_bias = !bias.empty()};
  std::vector<TensorId> inputs = {x.id, w.id};
  if (a.has_bias) {
    inputs.push_back(builder.add_floats(node, ".bias", {static_cast<int32_t>(bias.size())}, bias));
  }
  const Value y = builder.emit(node, Op::linear, a, std::move(inputs), x.order);
  apply(w, builder.last_node());
  return y;
}

void scale(Constant& constant, float factor) {
  if (factor == 1) return;
  for (float& value : constant.floats) value *= factor;
  if (!constant.quantized) return;
  if (factor > 0) {
    for (float& value : constant.quantized->scale) value *= factor;
  } else {
    constant.quantized.reset();
  }
}

}  // namespace

void load_conv(Builder& builder, const Node& node) {
  const Constant& given = builder.required_constant(node, 1, "its weights");
  const Value x = builder.image(node, 0);
  if (given.dims.size() != 4) node.fail("takes weights of rank 4");
  const Constant weights = permuted(given, {0, 2, 3, 1});
  const LayerWeights w = add_weights(builder, node, weights);
  const ImageSize kernel = {builder.graph().tensor(w.id).shape[1],
                            builder.graph().tensor(w.id).shape[2]};
  const ImageSize declared = read_pair(node, "kernel_shape", 0);
  if (node.has("kernel_shape") && (declared.h != kernel.h || declared.w != kernel.w))
    node.fail("has weights that do not match its kernel_shape");
  ConvAttributes a{.window = read_window(node, kernel, {x.shape[2], x.shape[3]}),
                   .groups = node.to_int32(node.integer("group", 1), "group"),
                   .has_bias = node.has_input(2)};
  const bool divides = a.groups > 0 && x.shape[1] % a.groups == 0;
  if (divides && given.dims[1] != x.shape[1] / a.groups)
    refuse_weights(node, given, x, " in " + std::to_string(a.groups) + " groups");
  std::vector<TensorId> inputs = {x.id, w.id};
  if (a.has_bias) {
    inputs.push_back(add_vector(builder, node, builder.required_constant(node, 2, "its bias"),
                                builder.graph().tensor(w.id).shape[0], ".bias"));
  }
  const Value y = builder.emit(node, Op::conv2d, a, std::move(inputs), channels_last_order(4));
  apply(w, builder.last_node());
  builder.finish(node, y);
}

void load_gemm(Builder& builder, const Node& node) {
  Value a = builder.operand(node, 0);
  const Constant& given = builder.required_constant(node, 1, "its second operand");
  Constant b = given;
  if (a.shape.size() != 2 || b.dims.size() != 2) node.fail("takes matrices");
  if (node.integer("transA", 0) != 0) a = builder.transposed(a, {1, 0});
  if (node.integer("transB", 0) == 0) b = permuted(b, {1, 0});  // becomes [O, I]
  if (b.dims[1] != a.shape[1]) {
    refuse_weights(node, given, builder.operand(node, 0),
                   std::string(node.integer("transA", 0) != 0 ? ", transA" : "") +
                       (node.integer("transB", 0) != 0 ? ", transB" : ""));
  }
  scale(b, node.number("alpha", 1));
  const float beta = node.number("beta", 1);
  const auto outputs = static_cast<std::size_t>(b.dims[0]);
  if (!node.has_input(2) || beta == 0) return builder.finish(node, linear(builder, node, a, b, {}));

  const Constant* c = builder.constant(node, 2);
  if (c != nullptr && c->is_float() && (c->size() == 1 || c->size() == outputs) &&
      (c->dims.empty() || c->dims.back() == static_cast<int64_t>(c->size()))) {
    std::vector<float> bias = c->floats;
    if (bias.size() == 1) bias.assign(outputs, bias[0]);
    for (float& value : bias) value *= beta;
    return builder.finish(node, linear(builder, node, a, b, bias));
  }
  Value added;
  if (c != nullptr && c->is_float() && beta != 1) {
    Constant scaled = *c;
    scale(scaled, beta);
    const Shape shape = shape_of(c->dims, node.where() + "its C ");
    added = {.id = builder.add_floats(node, ".c", shape, std::move(scaled.floats)),
             .shape = shape,
             .order = identity_order(shape.size())};
  } else if (beta != 1) {
    node.missing("with a beta of " + std::to_string(beta) + " and a C that is computed ('" +
                 node.input(2) + "'); multiply it before, or fold beta into it");
  } else {
    added = builder.operand(node, 2);
  }
  const Value product = linear(builder, node, a, b, {});
  added = with_rank(builder.graph(), added, 2);
  builder.finish(node, builder.emit(node, Op::add, BinaryAttributes{},
                                    {builder.stored_as(product, identity_order(2)).id,
                                     builder.stored_as(added, identity_order(2)).id},
                                    identity_order(2), ".add"));
}

void load_matmul(Builder& builder, const Node& node) {
  const Constant& given = builder.required_constant(node, 1, "its second operand");
  const Value a = builder.operand(node, 0);
  Constant b = given;
  const bool by_vector = b.dims.size() == 1 && a.shape.size() > 1;
  if (by_vector) b.dims.push_back(1);
  if (b.dims.size() < 2) node.missing("with a second operand that is no matrix");
  while (b.dims.size() > 2) {
    if (b.dims.front() != 1) node.missing("with a second operand that is no matrix");
    b.dims.erase(b.dims.begin());
    if (b.quantized) --b.quantized->axis;
  }
  if (a.shape.empty() || a.shape.back() != b.dims[0]) refuse_weights(node, given, a);
  Value y = linear(builder, node, a, permuted(b, {1, 0}), {});
  if (by_vector) {
    Shape shape = y.shape;
    shape.pop_back();
    y = builder.reshaped(node, y, shape, ".squeezed");
  }
  builder.finish(node, with_rank(builder.graph(), y, given.dims.size()));
}

void load_batch_norm(Builder& builder, const Node& node) {
  if (node.integer("training_mode", 0) != 0) node.missing("in training mode");
  if (node.integer("spatial", 1) == 0) node.missing("with statistics of each place");
  const Value given = builder.operand(node, 0);
  if (given.shape.size() < 2) node.fail("takes a tensor of rank 2 at least");
  const PhasedLayer* phased = builder.find_phased(node, given);
  const Value x = builder.stored_as(given, channels_last_order(given.shape.size()));
  constexpr const char* names[] = {".scale", ".shift", ".mean", ".variance"};
  std::vector<TensorId> inputs;
  for (std::size_t i = 0; i < 4; ++i) {
    Constant values = builder.required_constant(node, i + 1, "its parameters");
    int32_t channels = x.shape[1];
    if (phased != nullptr && values.size() == static_cast<std::size_t>(channels)) {
      values.floats = for_phases(values.floats, phased->phases, phased->groups, true);
      channels *= phased->phases;
      values.floats.resize(static_cast<std::size_t>(channels), values.floats[0]);
    }
    inputs.push_back(add_vector(builder, node, values, channels, names[i]));
  }
  const float epsilon = node.number("epsilon", 1e-5f);
  for (const float variance : graph::float_values(builder.graph().tensor(inputs[3]))) {
    if (!(variance + epsilon > 0)) node.fail("has a variance that is not positive");
  }
  if (phased != nullptr) {
    builder.insert_after(*phased, node, Op::batch_norm, ScalarAttributes{epsilon}, inputs);
    return builder.finish(node, x);
  }
  inputs.insert(inputs.begin(), x.id);
  builder.finish(node, builder.emit(node, Op::batch_norm, ScalarAttributes{epsilon},
                                    std::move(inputs), x.order));
}

}  // namespace octet::loaders::onnx
