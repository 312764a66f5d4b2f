#include <cmath>
#include <cstring>

#include "tests/graph/run_graph.h"
#include "tests/loaders/refusal.h"

using namespace octet::test;
using namespace octet;

namespace {

// A unary node on [1, 2, 3, 4] of that operator, with attributes.
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
  check_node_refused(0,
                     [](json& n) {
                       n["outputs"] = {"conv", "more"};
                     },
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

TEST_CASE("nodes out of order, and cycles") {
  check_graph_refused([](json& g) { std::swap(g["nodes"][0], g["nodes"][1]); },
                      {"'features.relu'", "'conv'", "neither a parameter"});
  check_node_refused(0, [](json& n) { n["inputs"][0] = "relu"; }, {"'features.conv'", "'relu'"});
  check_node_refused(1, [](json& n) { n["inputs"][0] = "relu"; }, {"'features.relu'", "'relu'"});
}

TEST_CASE("attributes that are unknown, misspelt, of another type or count, or out of range") {
  const auto attribute = [](const char* key, const json& value,
                            const std::vector<std::string>& parts) {
    check_node_refused(
        0, [&](json& n) { n["attributes"][key] = value; }, parts);
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
  check_node_refused(2,
                     [](json& n) {
                       n["attributes"]["axes"] = {1, -3};
                     },
                     {"'pool'", "one twice"});
  check_node_refused(2, [](json& n) { n["attributes"]["keepdims"] = 1; }, {"'pool'", "'keepdims'"});
}

TEST_CASE("a declared shape that the node does not give is refused with both") {
  check_graph_refused(
      [](json& g) {
        g["tensors"]["conv"]["shape"] = {1, 8, 8, 4};
      },
      {"'features.conv'", "[1, 4, 4, 4]", "[1, 8, 8, 4]"});
  check_graph_refused([](json& g) { g["layout"] = "nchw"; }, {"'features.conv'"});
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

TEST_CASE("batch norms: parameters of another length, variances that are not positive") {
  SampleExport sample = one_node("batch_norm", {{"epsilon", 0}}, {1, 2, 3, 4});
  sample.graph["nodes"][0]["inputs"] = {"image", "g", "b", "m", "v"};
  for (const char* name : {"g", "b", "m"}) sample.tensors.push_back(exported(name, {2}));
  const auto with_variance = [&](std::vector<float> values) {
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
  check_node_refused(0,
                     [](json& n) {
                       n["weight_quantization"] = {{"scales", {1}}};
                     },
                     {"'features.conv'", "'scales'"});
  check_node_refused(0,
                     [](json& n) {
                       n["weight_quantization"] = {{"scale", {1}}, {"zero_point", {200}}};
                     },
                     {"'features.conv'", "zero point"});
  check_node_refused(0,
                     [](json& n) {
                       n["weight_quantization"] = {{"scale", {"1"}}};
                     },
                     {"'features.conv'", "'scale'"});
}
