#include "tests/graph/graph_maker.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

namespace octet::test {

std::vector<float> GraphMaker::random_values(std::size_t count, float deviation) {
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(count);
  std::ranges::generate(values, [&] { return normal(random_); });
  return values;
}

TensorId GraphMaker::input(Shape shape, std::optional<Quantization> quantization) {
  const std::string name = "x" + std::to_string(graph_.inputs.size());
  const TensorId id =
      graph_.add_tensor({.name = name, .shape = std::move(shape), .quantization = quantization});
  graph_.inputs.push_back(id);
  return id;
}

TensorId GraphMaker::constant(const std::string& name, Shape shape,
                              const std::vector<float>& values) {
  REQUIRE(element_count(shape) == static_cast<int64_t>(values.size()));
  return graph_.add_tensor(graph::make_float_constant(name, std::move(shape), values));
}

TensorId GraphMaker::random_constant(const std::string& name, Shape shape, float deviation) {
  const auto values = random_values(static_cast<std::size_t>(element_count(shape)), deviation);
  return constant(name, std::move(shape), values);
}

TensorId GraphMaker::node(const std::string& name, Op op, Attributes attributes,
                          std::vector<TensorId> inputs) {
  const auto results = node_of_several(name, op, std::move(attributes), std::move(inputs));
  REQUIRE(results.size() == 1);
  return results[0];
}

std::vector<TensorId> GraphMaker::node_of_several(const std::string& name, Op op,
                                                  Attributes attributes,
                                                  std::vector<TensorId> inputs) {
  std::vector<Shape> shapes;
  for (const TensorId id : inputs) shapes.push_back(graph_.tensor(id).shape);
  const auto results = infer_shapes(op, attributes, shapes);
  INFO(name << ": " << (results ? "" : results.error().message));
  REQUIRE(results);
  std::vector<TensorId> outputs;
  for (const Shape& result : *results) {
    const std::string number = outputs.empty() ? "" : "." + std::to_string(outputs.size() + 1);
    outputs.push_back(graph_.add_tensor({.name = name + number, .shape = result}));
  }
  graph_.nodes.push_back({.name = name,
                          .op = op,
                          .attributes = std::move(attributes),
                          .inputs = std::move(inputs),
                          .outputs = outputs});
  return outputs;
}

TensorId GraphMaker::layer(const std::string& name, Op op, TensorId x, Shape weight_shape,
                           Window window, const ConvSettings& settings) {
  const auto count = static_cast<std::size_t>(element_count(weight_shape));
  const auto terms = static_cast<float>(count) / static_cast<float>(settings.channels);
  const auto weights =
      settings.weights.empty() ? random_values(count, 1 / std::sqrt(terms)) : settings.weights;
  std::vector<TensorId> inputs = {x, constant(name + ".weight", std::move(weight_shape), weights)};
  if (settings.bias) {
    const auto bias = settings.bias_values.empty()
                          ? random_values(static_cast<std::size_t>(settings.channels), 0.5f)
                          : settings.bias_values;
    inputs.push_back(constant(name + ".bias", {settings.channels}, bias));
  }
  return node(
      name, op,
      ConvAttributes{.window = window, .groups = settings.groups, .has_bias = settings.bias},
      std::move(inputs));
}

TensorId GraphMaker::conv(const std::string& name, TensorId x, const ConvSettings& s) {
  const Window window{.kernel_h = s.kernel,
                      .kernel_w = s.kernel,
                      .stride_h = s.stride,
                      .stride_w = s.stride,
                      .pad_top = s.padding,
                      .pad_left = s.padding,
                      .pad_bottom = s.padding,
                      .pad_right = s.padding};
  const int32_t inputs = graph_.tensor(x).shape[3] / s.groups;
  return layer(name, Op::conv2d, x, {s.channels, s.kernel, s.kernel, inputs}, window, s);
}

TensorId GraphMaker::linear(const std::string& name, TensorId x, const ConvSettings& s) {
  return layer(name, Op::linear, x, {s.channels, graph_.tensor(x).shape.back()}, {}, s);
}

TensorId GraphMaker::batch_norm(const std::string& name, TensorId x, bool shifts) {
  const int32_t channels = graph_.tensor(x).shape.back();
  const auto count = static_cast<std::size_t>(channels);
  const float shift = shifts ? 0.5f : 0.0f;
  auto variance = random_values(count, 0.5f);
  for (float& v : variance) v = std::abs(v) + 0.25f;
  std::vector<TensorId> inputs = {x, random_constant(name + ".gamma", {channels}),
                                  random_constant(name + ".beta", {channels}, shift),
                                  random_constant(name + ".mean", {channels}, shift)};
  inputs.push_back(constant(name + ".variance", {channels}, variance));
  return node(name, Op::batch_norm, ScalarAttributes{1e-5f}, std::move(inputs));
}

TensorId GraphMaker::clip(const std::string& name, TensorId x, Bounds bounds) {
  return node(name, Op::clip, ClipAttributes{bounds}, {x});
}

TensorId GraphMaker::add(const std::string& name, TensorId a, TensorId b) {
  return node(name, Op::add, BinaryAttributes{}, {a, b});
}

TensorId GraphMaker::mul(const std::string& name, TensorId a, TensorId b) {
  return node(name, Op::mul, BinaryAttributes{}, {a, b});
}

TensorId GraphMaker::concat(const std::string& name, std::vector<TensorId> inputs, int32_t axis) {
  return node(name, Op::concat, AxisAttributes{.axis = axis}, std::move(inputs));
}

namespace {

PoolAttributes pool_attributes(const PoolSettings& s) {
  return {.window = {.kernel_h = s.kernel,
                     .kernel_w = s.kernel,
                     .stride_h = s.stride,
                     .stride_w = s.stride,
                     .pad_top = s.padding,
                     .pad_left = s.padding,
                     .pad_bottom = s.padding,
                     .pad_right = s.padding}};
}

}  // namespace

TensorId GraphMaker::max_pool(const std::string& name, TensorId x, const PoolSettings& settings) {
  return node(name, Op::max_pool, pool_attributes(settings), {x});
}

TensorId GraphMaker::average_pool(const std::string& name, TensorId x,
                                  const PoolSettings& settings) {
  return node(name, Op::average_pool, pool_attributes(settings), {x});
}

TensorId GraphMaker::mean(const std::string& name, TensorId x, std::vector<int32_t> axes,
                          bool keepdims) {
  return node(name, Op::mean, MeanAttributes{std::move(axes), keepdims}, {x});
}

TensorId GraphMaker::reshape(const std::string& name, TensorId x, Shape shape) {
  return node(name, Op::reshape, ReshapeAttributes{std::move(shape)}, {x});
}

TensorId GraphMaker::transpose(const std::string& name, TensorId x,
                               std::vector<int32_t> permutation) {
  return node(name, Op::transpose, TransposeAttributes{std::move(permutation)}, {x});
}

TensorId GraphMaker::softmax(const std::string& name, TensorId x) {
  const auto rank = static_cast<int32_t>(graph_.tensor(x).shape.size());
  return node(name, Op::softmax, AxisAttributes{.axis = rank - 1}, {x});
}

TensorId GraphMaker::whole_constant(const std::string& name, Shape shape,
                                    const std::vector<int32_t>& values) {
  graph::Tensor tensor{.name = name, .type = Type::s32, .shape = std::move(shape)};
  tensor.data.emplace(values.size() * sizeof(int32_t));
  std::memcpy(tensor.data->data(), values.data(), tensor.data->size());
  return graph_.add_tensor(std::move(tensor));
}

TensorId GraphMaker::whole(const std::string& name, Op op, Attributes attributes,
                           std::vector<TensorId> inputs) {
  const TensorId id = node(name, op, std::move(attributes), std::move(inputs));
  graph_.tensor(id).type = Type::s32;
  return id;
}

TensorId GraphMaker::argmax(const std::string& name, TensorId x) {
  const auto rank = static_cast<int32_t>(graph_.tensor(x).shape.size());
  const TensorId id = node(name, Op::argmax, AxisAttributes{.axis = rank - 1}, {x});
  graph_.tensor(id).type = Type::s32;
  return id;
}

std::vector<TensorId> GraphMaker::top_k(const std::string& name, TensorId x,
                                        AxisAttributes attributes) {
  const auto results = node_of_several(name, Op::top_k, attributes, {x});
  graph_.tensor(results[1]).type = Type::s32;
  return results;
}

TensorId GraphMaker::quantize(const std::string& name, TensorId x, Quantization quantization) {
  const TensorId id = simple(name, Op::quantize, x);
  graph_.tensor(id).quantization = quantization;
  return id;
}

TensorId GraphMaker::simple(const std::string& name, Op op, TensorId x) {
  return node(name, op, default_attributes(op), {x});
}

GraphMaker& GraphMaker::scale(TensorId id, float scale, int32_t zero_point) {
  graph_.tensor(id).quantization = Quantization{scale, zero_point};
  return *this;
}

Graph GraphMaker::finish(std::vector<TensorId> outputs) {
  Graph graph = graph_;
  graph.outputs = std::move(outputs);
  const auto ok = graph::check(graph);
  INFO((ok ? "" : ok.error().message));
  REQUIRE(ok);
  return graph;
}

const Node* find_node(const Graph& graph, const std::string& name) {
  const auto found = std::ranges::find(graph.nodes, name, &Node::name);
  return found == graph.nodes.end() ? nullptr : &*found;
}

const Node& node_named(const Graph& graph, const std::string& name) {
  const Node* node = find_node(graph, name);
  INFO("node " << name << " among " << ops_of(graph));
  REQUIRE(node != nullptr);
  return *node;
}

std::string ops_of(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes)
    text += (text.empty() ? "" : " ") + std::string(op_name(node.op));
  return text;
}

const graph::Tensor& tensor_named(const Graph& graph, const std::string& name) {
  const auto found = std::ranges::find(graph.tensors, name, &graph::Tensor::name);
  INFO("tensor " << name);
  REQUIRE(found != graph.tensors.end());
  return *found;
}

}  // namespace octet::test
