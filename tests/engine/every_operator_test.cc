// Checks of what each operator computes and of what its file keeps, for all rows of the table.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "engine/model_data.h"
#include "engine/operator_table.h"
#include "tests/engine/float_oracle.h"
#include "tests/engine/operator_samples.h"
#include "tests/graph/run_graph.h"

namespace octet::test {
namespace {

// identity is removed before a model is written.
std::vector<Op> written_operators() {
  std::vector<Op> all;
  for (int i = 0; i < op_count; ++i) {
    if (static_cast<Op>(i) != Op::identity) all.push_back(static_cast<Op>(i));
  }
  return all;
}

std::vector<Values> inputs_of(const Graph& graph, Op op) {
  std::vector<Values> inputs = random_inputs(graph);
  const bool takes_negative = op != Op::log && op != Op::sqrt;
  for (Values& values : inputs) {
    for (float& v : values) v = takes_negative ? v : std::abs(v) + 0.125F;
  }
  return inputs;
}

/// The sample's results in double.
std::vector<Values> oracle(const Graph& graph, const std::vector<Values>& inputs) {
  const Node& node = node_named(graph, sample_name);
  std::vector<Array> operands;
  for (const TensorId id : node.inputs) {
    const graph::Tensor& tensor = graph.tensor(id);
    const auto input = std::ranges::find(graph.inputs, id) - graph.inputs.begin();
    const std::span<const float> values = tensor.is_constant()
                                              ? graph::float_values(tensor)
                                              : inputs[static_cast<std::size_t>(input)];
    operands.push_back({.shape = tensor.shape, .values = {values.begin(), values.end()}});
  }
  std::vector<Values> results;
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    const auto found =
        evaluate(node.op, node.attributes, operands, graph.tensor(node.outputs[i]).shape, i);
    Values& values = results.emplace_back();
    for (const double v : found.values) values.push_back(static_cast<float>(v));
  }
  return results;
}

TEST_CASE("every operator with a float form computes it as double does") {
  for (const Op op : written_operators()) {
    if (!has_float_form(op)) continue;
    INFO(op_name(op));
    const Graph graph = sample_of(op);
    const auto inputs = inputs_of(graph, op);
    const auto expected = oracle(graph, inputs);
    const auto got = run(as_float_model(graph), inputs);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CHECK(relative_error(got[i], expected[i]) < 1e-5F);
      CHECK(std::set<float>(got[i].begin(), got[i].end()).size() > 1);
    }
  }
}

/// The model that octet makes of the sample, with scales where it has none.
Model build_in_int8(Graph graph, Op op) {
  if (op == Op::log || op == Op::sqrt) {  // calibration gives them numbers below 0
    graph.tensor(graph.inputs[0]).quantization = Quantization{.scale = 1.0F / 64, .zero_point = 0};
    graph.tensor(graph.outputs[0]).quantization =
        Quantization{.scale = 1.0F / 64, .zero_point = 140};
  }
  if (has_float_form(op)) calibrate(graph);
  return build(std::move(graph));
}

TEST_CASE("every operator runs in int8 on the reference kernels, or gives a reason") {
  for (const Op op : written_operators()) {
    INFO(op_name(op));
    const Graph graph = sample_of(op);
    const Model model = build_in_int8(graph, op);
    for (const NodeInfo& node : model.nodes()) {
      INFO(node.name << ": " << node.op);
      CHECK((node.int8 || !node.reason.empty()));
    }
    const auto inputs = inputs_of(graph, op);
    const Session reference = session_of(model, {.threads = 1, .isa = "reference"}, inputs);
    const Session best = session_of(model, {.threads = 1}, inputs);
    for (std::size_t i = 0; i < best.output_count(); ++i) {
      const TensorView a = reference.output(i);
      const TensorView b = best.output(i);
      CHECK(std::ranges::equal(a.values<std::byte>(), b.values<std::byte>()));
    }
    if (!has_float_form(op)) continue;
    const auto expected = oracle(graph, inputs);
    const auto got = run(model, inputs);
    // Bytes that are equal have other places than the reals that were not.
    const std::size_t compared = op == Op::top_k ? 1 : got.size();
    for (std::size_t i = 0; i < compared; ++i) CHECK(relative_error(got[i], expected[i]) < 0.05F);
  }
}

const NodeRecord& record_of(const Model& model, Op op) {
  const auto& nodes = model.data().nodes;
  const auto found = std::ranges::find(nodes, op, &NodeRecord::op);
  INFO(nodes_of(model));
  REQUIRE(found != nodes.end());
  return *found;
}

TEST_CASE("every operator comes back from its file with its attributes") {
  for (const Op op : written_operators()) {
    INFO(op_name(op));
    const Graph graph = sample_of(op);
    const Model model = has_float_form(op) ? as_float_model(graph) : build(graph);
    const NodeRecord& record = record_of(model, op);
    const Node& node = node_named(graph, sample_name);
    const Attributes expected =
        op == Op::lookup ? LookupAttributes{.function = Op::elu, .value = 0.375F} : node.attributes;
    CHECK(record.attributes == expected);
    CHECK(record.outputs.size() == node.outputs.size());
    const bool has_attributes = row_of(op).attributes != attributes_index<NoAttributes>();
    // Whole numbers have no bounds; means are for images (tests/graph/read_pixels_test.cc).
    const bool can_be_default = op == Op::floor_div || op == Op::quantize;
    if (has_attributes && !can_be_default) CHECK(expected != default_attributes(op));
  }
}

}  // namespace
}  // namespace octet::test
