#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/engine/functions.h"
#include "tests/graph/run_graph.h"
#include "tests/loaders/refusal.h"

using namespace octet::test;
using namespace octet;

namespace {

// One node with the operator `op` and these attributes, on an input [1, 2, 3, 4].
SampleExport one_node(const std::string& op, const json& attributes, const json& shape) {
  SampleExport sample = sample_channels_first();
  sample.graph["nodes"] = {{{"name", "n"},
                            {"op", op},
                            {"inputs", {"image"}},
                            {"outputs", {"conv"}},
                            {"attributes", attributes}}};
  sample.graph["tensors"]["conv"]["shape"] = shape;
  sample.tensors.clear();
  return sample;
}

}  // namespace

TEST_CASE("nodes: names, operators, inputs and outputs that are wrong") {
  check_node_refused(0, [](json& n) { n["op"] = "conv3d"; },
                     {"'features.conv'", "conv3d", "float_export.md"});
  check_node_refused(0, [](json& n) { n["name"] = "head"; }, {"two nodes are named 'head'"});
  check_node_refused(0, [](json& n) { n.erase("name"); }, {"no name"});
  check_node_refused(0, [](json& n) { n.erase("op"); }, {"'features.conv'", "'op' is missing"});
  check_node_refused(0, [](json& n) { n["atributes"] = json::object(); },
                     {"'features.conv'", "'atributes'"});
  check_node_refused(0, [](json& n) { n["outputs"] = {"conv", "more"}; },
                     {"'features.conv'", "2 outputs"});
  check_node_refused(0, [](json& n) { n["outputs"] = {"other"}; },
                     {"'features.conv'", "'other'", "not in 'tensors'"});
  check_node_refused(0, [](json& n) { n["outputs"] = {"fc.bias"}; },
                     {"'features.conv'", "which is a parameter"});
  check_node_refused(0, [](json& n) { n["inputs"] = {"image"}; },
                     {"'features.conv'", "2 to 3 inputs, not 1"});
  check_node_refused(0, [](json& n) { n["inputs"][1] = "conv.wait"; },
                     {"'features.conv'", "'conv.wait'"});
  check_node_refused(3, [](json& n) { n["outputs"] = {"conv"}; }, {"'head'", "written before"});
  check_graph_refused([](json& g) { g["nodes"] = "none"; }, {"'nodes'"});
}

TEST_CASE("a node with several outputs: top_k gives its values and their places") {
  const auto file = [](int k, const json& outputs, const json& shape = {1, 2, 2, 4}) {
    SampleExport sample =
        one_node("top_k", {{"axis", 2}, {"k", k}, {"largest", false}}, {1, 2, 2, 4});
    sample.graph["nodes"][0]["outputs"] = outputs;
    sample.graph["tensors"]["places"] = {{"shape", shape}, {"type", "s32"}};
    sample.graph["outputs"] = outputs;
    return sample;
  };
  const TemporaryFolder folder;
  const auto load = [&](const SampleExport& sample) {
    return loaders::load(folder.write("model.safetensors", sample.file()));
  };
  const auto graph = load(file(2, {"conv", "places"}));
  INFO((graph ? "" : graph.error().message));
  REQUIRE(graph);
  const Model model = build(*graph, {.float_only = true});
  // Inputs are stored N, H, W, C; outputs are as the file has them.
  Values x(24);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7 % 24 / 2);
  const auto y = run(model, {x});
  REQUIRE(y.size() == 2);
  CHECK(model.outputs()[1].shape == Shape{1, 2, 2, 4});
  for (std::size_t channel = 0; channel < 2; ++channel) {
    for (std::size_t column = 0; column < 4; ++column) {
      std::vector<std::pair<float, float>> rows;
      for (std::size_t row = 0; row < 3; ++row)
        rows.emplace_back(x[(row * 4 + column) * 2 + channel], static_cast<float>(row));
      std::ranges::sort(rows);
      for (std::size_t i = 0; i < 2; ++i) {
        CHECK(y[0][(channel * 2 + i) * 4 + column] == rows[i].first);
        CHECK(y[1][(channel * 2 + i) * 4 + column] == rows[i].second);
      }
    }
  }
  const auto refusal = [&](const SampleExport& sample) {
    const auto loaded = load(sample);
    return loaded ? std::string() : loaded.error().message;
  };
  CHECK(refusal(file(2, {"conv"})).find("node 'n' (top_k): has 1 outputs; it gives 2") !=
        std::string::npos);
  CHECK(refusal(file(2, {"conv", "conv"})).find("written before") != std::string::npos);
  CHECK(refusal(file(2, {"conv", "image"})).find("written before") != std::string::npos);
  CHECK(refusal(file(2, {"conv", "places"}, {1, 2, 2, 3})).find("'places' is declared as") !=
        std::string::npos);
  for (const int k : {-1, 0, 4}) {
    CHECK(refusal(file(k, {"conv", "places"}))
              .find("node 'n' (top_k): takes " + std::to_string(k) +
                    " values of the 3 along axis 2: export the model with a k of 1 to 3") !=
          std::string::npos);
  }
}

TEST_CASE("nodes out of order, and cycles") {
  check_graph_refused([](json& g) { std::swap(g["nodes"][0], g["nodes"][1]); },
                      {"'features.relu'", "'conv'", "neither a parameter"});
  check_node_refused(0, [](json& n) { n["inputs"][0] = "relu"; }, {"'features.conv'", "'relu'"});
  check_node_refused(1, [](json& n) { n["inputs"][0] = "relu"; }, {"'features.relu'", "'relu'"});
}

TEST_CASE("attributes that are unknown, misspelt, of another type or count, or out of range") {
  const auto attribute = [](const char* key, const json& value,
                            const std::vector<std::string>& parts) {
    check_node_refused(0, [&](json& n) { n["attributes"][key] = value; }, parts);
  };
  attribute("strides", {2, 2}, {"'features.conv'", "'strides' is unknown"});
  attribute("stride", 2, {"'features.conv'", "'stride' is not an array"});
  attribute("stride", {2}, {"'features.conv'", "'stride' needs 2 values"});
  attribute("stride", {0, 2}, {"'features.conv'", "stride"});
  attribute("stride", {1.5, 2}, {"'features.conv'", "'stride'"});
  attribute("padding", {1, 1}, {"'features.conv'", "'padding' needs 4 values"});
  attribute("padding", {-1, 1, 1, 1}, {"'features.conv'", "padding"});
  attribute("dilation", {1 << 20, 1}, {"'features.conv'", "dilation"});
  attribute("dilation", {40, 1}, {"'features.conv'", "window larger"});
  attribute("groups", 2, {"'features.conv'", "2 groups"});
  attribute("groups", 0, {"'features.conv'", "0 groups"});
  attribute("groups", 4294967297, {"'features.conv'", "'groups'"});
  check_node_refused(2, [](json& n) { n["attributes"]["axes"] = {4}; }, {"'pool'", "axis 4"});
  check_node_refused(2, [](json& n) { n["attributes"]["axes"] = {1, -3}; },
                     {"'pool'", "one twice"});
  check_node_refused(2, [](json& n) { n["attributes"]["keepdims"] = 1; }, {"'pool'", "'keepdims'"});
}

TEST_CASE("a declared shape that the node does not give is refused with both") {
  check_graph_refused([](json& g) { g["tensors"]["conv"]["shape"] = {1, 8, 8, 4}; },
                      {"'features.conv'", "[1, 4, 4, 4]", "[1, 8, 8, 4]"});
  check_graph_refused([](json& g) { g["layout"] = "nchw"; }, {"'features.conv'"});
}

TEST_CASE("every function of one value is an operator of the float export, by its name") {
  for (const Op op : functions_of_one_value()) {
    INFO(op_name(op));
    const auto graph = load(one_node(op_name(op), json::object(), {1, 2, 3, 4}).file());
    INFO((graph ? "" : graph.error().message));
    REQUIRE(graph);
    CHECK(std::ranges::count(graph->nodes, op, &graph::Node::op) == 1);
  }
}

TEST_CASE("attributes of single operators") {
  const json same = {1, 2, 3, 4};
  const auto refused = [&](const std::string& op, const json& attributes, const std::string& part) {
    check_refused(one_node(op, attributes, same).file(), {"'n'", part});
  };
  check_accepted(one_node("clip", json::object(), same).file());
  refused("clip", {{"min", 2}, {"max", 1}}, "min above its max");
  refused("relu6", {{"max", 6}}, "'max' is unknown");
  refused("leaky_relu", {{"slope", 1}}, "'slope' is unknown");
  refused("reshape", {{"shape", {1, 5}}}, "another size");
  refused("reshape", {{"shape", {-1, 24}}}, "below 1");
  refused("transpose", {{"permutation", {0, 1, 1, 3}}}, "permutation");
  refused("transpose", {{"permutation", {0, 1, 2}}}, "permutation");
  refused("slice", {{"axis", 1}, {"start", 2}}, "slices nothing");
  refused("slice", {{"axis", 1}, {"step", 0}}, "step below 1");
  refused("slice", {{"axis", 4}}, "axis 4");
  refused("pad", {{"pads", {{0, 0}, {0, 0}}}}, "'pads'");
  refused("pad", {{"pads", {{0, 0}, {0, 0}, {0, -1}, {0, 0}}}}, "padding");
  refused("resize", {{"size", {3, 4}}, {"mode", "bicubic"}}, "'mode'");
  refused("resize", {{"size", {0, 4}}, {"mode", "nearest"}}, "size");
  refused("max_pool2d", {{"kernel", {3}}}, "'kernel'");
  refused("max_pool2d", {{"kernel", {2, 2}}, {"padding", {2, 0, 0, 0}}}, "padding");
  refused("max_pool2d", {{"kernel", {2, 2}}, {"count_include_pad", true}},
          "'count_include_pad' is unknown");
  refused("softmax", json::object(), "'axis' is missing");
  refused("softmax", {{"axis", -5}}, "axis -5");
  refused("softmax", {{"axis", 18446744073709551615ULL}}, "32 bits");
  refused("quantize", json::object(), "no scale");
}

namespace {

// 'image' [1, 2, 3, 4], then a conv_transpose2d with weights [2, 3, 2, 2] and stride 2, which gives
// [1, 3, 6, 8].
SampleExport transposed(const json& attributes, const json& shape = {1, 3, 6, 8}) {
  SampleExport sample = one_node("conv_transpose2d", attributes, shape);
  sample.graph["nodes"][0]["inputs"] = {"image", "w", "b"};
  sample.tensors = {exported("w", {2, 3, 2, 2}), exported("b", {3})};
  return sample;
}

}  // namespace

TEST_CASE("transposed convolutions: one convolution of all phases, laid out in space") {
  const auto graph = load(transposed({{"stride", {2, 2}}}).file());
  INFO((graph ? "" : graph.error().message));
  REQUIRE(graph);
  const auto convolutions = std::ranges::count_if(
      graph->nodes, [](const graph::Node& node) { return node.op == Op::conv2d; });
  CHECK(convolutions == 1);
  check_accepted(transposed({{"stride", {1, 1}}}, {1, 3, 4, 5}).file());
  check_accepted(transposed({{"stride", {2, 2}}, {"padding", {1, 0, 0, 1}}}, {1, 3, 5, 7}).file());
  check_accepted(transposed({{"stride", {2, 2}}, {"output_padding", {1, 0}}}, {1, 3, 7, 8}).file());
  check_accepted(transposed({{"dilation", {2, 3}}}, {1, 3, 5, 7}).file());
}

TEST_CASE("transposed convolutions: the values are those of the definition, in both layouts") {
  const bool channels_last = GENERATE(false, true);
  SampleExport sample = transposed({{"stride", {2, 2}}});
  if (channels_last) {
    sample.graph["layout"] = "nhwc";
    sample.graph["tensors"]["image"]["shape"] = {1, 3, 4, 2};
    sample.graph["tensors"]["conv"]["shape"] = {1, 6, 8, 3};
    sample.tensors[0] = exported("w", {2, 2, 2, 3});
  }
  const auto graph = load(sample.file());
  INFO((graph ? "" : graph.error().message));
  REQUIRE(graph);
  const std::vector<Values> inputs = random_inputs(*graph);
  const auto values_of = [&](const std::string& name) {
    const auto& tensors = graph->tensors;
    const auto at = std::ranges::find(tensors, name, &graph::Tensor::name);
    REQUIRE(at != tensors.end());
    const auto span = graph::float_values(*at);
    return Values(span.begin(), span.end());
  };
  const Values w = values_of("w");
  const Values b = values_of("b");
  const std::vector<Values> outputs = run(as_float_model(*graph), inputs);
  // The outputs are in the author's order of axes. The inputs are stored channels-last.
  for (std::size_t o = 0; o < 3; ++o) {
    for (std::size_t y = 0; y < 6; ++y) {
      for (std::size_t x = 0; x < 8; ++x) {
        float wanted = b[o];
        for (std::size_t i = 0; i < 2; ++i) {
          const std::size_t kh = y % 2, kw = x % 2;
          const std::size_t tap =
              channels_last ? ((i * 2 + kh) * 2 + kw) * 3 + o : ((i * 3 + o) * 2 + kh) * 2 + kw;
          wanted += w[tap] * inputs[0][(y / 2 * 4 + x / 2) * 2 + i];
        }
        const std::size_t at = channels_last ? (y * 8 + x) * 3 + o : (o * 6 + y) * 8 + x;
        CHECK(outputs[0][at] == Approx(wanted).margin(1e-5));
      }
    }
  }
}

TEST_CASE("transposed convolutions that are wrong") {
  const auto refused = [](const json& attributes, const std::string& part) {
    check_refused(transposed(attributes).file(), {"'n'", part});
  };
  refused({{"stride", {2}}}, "'stride' needs 2 values");
  refused({{"stride", {0, 2}}}, "stride out of range");
  refused({{"stride", {1 << 20, 2}}}, "stride out of range");
  refused({{"stride", {2000, 2000}}}, "strides far larger than its kernel");
  refused({{"dilation", {0, 1}}}, "dilation out of range");
  refused({{"dilation", {1 << 16, 1}}}, "dilation out of range");
  refused({{"padding", {1, 1}}}, "'padding' needs 4 values");
  refused({{"stride", {2, 2}}, {"padding", {0, 0, -1, 0}}}, "padding or an output size");
  refused({{"stride", {2, 2}}, {"padding", {9, 0, 0, 0}}}, "padding or an output size");
  refused({{"stride", {2, 2}}, {"output_padding", {-1, 0}}}, "padding or an output size");
  refused({{"groups", 0}}, "0 groups");
  refused({{"groups", 3}}, "3 groups");
  refused({{"strides", {2, 2}}}, "'strides' is unknown");
  refused({{"stride", {1, 2}}}, "declared as");
  SampleExport sample = transposed({{"stride", {2, 2}}});
  sample.tensors[1] = exported("b", {2});
  check_refused(sample.file(), {"'n'", "bias"});
  sample = transposed({{"stride", {2, 2}}});
  sample.tensors[0] = exported("w", {2, 3, 4});
  check_refused(sample.file(), {"'n'", "rank 4"});
  sample = transposed({{"stride", {2, 2}}});
  sample.graph["nodes"][0]["weight_quantization"] = {{"scale", {0.1}}};
  check_refused(sample.file(), {"'n'", "cannot have weight_quantization"});
}

TEST_CASE("batch norms: parameters of another length, variances that are not positive") {
  SampleExport sample = one_node("batch_norm", {{"epsilon", 0}}, {1, 2, 3, 4});
  sample.graph["nodes"][0]["inputs"] = {"image", "g", "b", "m", "v"};
  for (const char* name : {"g", "b", "m"}) sample.tensors.push_back(exported(name, {2}));
  const auto with_variance = [&](const std::vector<float>& values) {
    SampleExport out = sample;
    const auto count = static_cast<int64_t>(values.size());
    out.tensors.push_back(exported("v", {count}, values));
    return out.file();
  };
  check_accepted(with_variance({1, 2}));
  check_refused(with_variance({1, 2, 3}), {"'n'", "[3]"});
  check_refused(with_variance({1, 0}), {"'n'", "variance"});
  check_refused(with_variance({1, -1}), {"'n'", "variance"});
  check_refused(with_variance({NAN, 1}), {"'n'", "variance"});
}

TEST_CASE("weights of other types, biases of other shapes, int8 weights without their scales") {
  SampleExport sample = sample_classifier();
  sample.tensors[3] = {
      .name = "fc.bias", .dtype = "I32", .shape = {5}, .bytes = std::string(20, '\0')};
  check_refused(sample.file(), {"'head'", "'fc.bias'", "I32"});
  sample.tensors[3] = exported("fc.bias", {6});
  check_refused(sample.file(), {"'head'", "bias"});
  sample.tensors[3] = exported("fc.bias", {1, 5});
  check_refused(sample.file(), {"'head'", "'fc.bias'"});
  sample.tensors[3] = exported("fc.bias", {5});
  sample.tensors[2] = {
      .name = "fc.weight", .dtype = "I8", .shape = {5, 4}, .bytes = std::string(20, '\x7')};
  const auto graph = load(sample.file());
  REQUIRE(graph);
  CHECK(graph->keeps_rounding);
  const auto built = octet::graph::build_model(*graph, {});
  REQUIRE_FALSE(built);
  CHECK(built.error().message.find("'head'") != std::string::npos);
  CHECK(built.error().message.find("weight_quantization") != std::string::npos);
  sample.graph["nodes"][3]["weight_quantization"] = {{"scale", {0.5}}};
  const auto good = load(sample.file());
  REQUIRE(good);
  CHECK(octet::graph::build_model(*good, {}));
  CHECK(octet::graph::build_model(*good, {.float_only = true}));
}

TEST_CASE("weight_quantization that does not belong, or is out of range") {
  const json good = {{"scale", {0.5}}};
  check_node_refused(1, [&](json& n) { n["weight_quantization"] = good; },
                     {"'features.relu'", "weight_quantization"});
  check_node_refused(0, [](json& n) { n["weight_quantization"] = {{"scales", {1}}}; },
                     {"'features.conv'", "'scales'"});
  check_node_refused(
      0, [](json& n) { n["weight_quantization"] = {{"scale", {1}}, {"zero_point", {200}}}; },
      {"'features.conv'", "zero point"});
  check_node_refused(0, [](json& n) { n["weight_quantization"] = {{"scale", {"1"}}}; },
                     {"'features.conv'", "'scale'"});
}
