#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "loaders/loader.h"
#include "tests/graph/run_graph.h"
#include "tests/loaders/sample_exports.h"

using namespace octet::test;
using namespace octet;
using nlohmann::json;

namespace {

Expected<graph::Graph> load(const std::string& file) {
  const TemporaryFolder folder;
  return loaders::load(folder.write("model.safetensors", file));
}

// Refused with a message that names the file and holds every part.
void check_refused(const std::string& file, const std::vector<std::string>& parts) {
  const auto graph = load(file);
  REQUIRE_FALSE(graph);
  INFO(graph.error().message);
  CHECK(graph.error().message.find("model.safetensors: ") != std::string::npos);
  for (const std::string& part : parts) {
    INFO("'" << part << "'");
    CHECK(graph.error().message.find(part) != std::string::npos);
  }
}

void check_accepted(const std::string& file) {
  const auto graph = load(file);
  INFO((graph ? "" : graph.error().message));
  CHECK(graph);
}

// The classifier with one change: the message has the parts.
template <class Change>
void check_graph_refused(const Change& change, const std::vector<std::string>& parts) {
  SampleExport sample = sample_classifier();
  change(sample.graph);
  check_refused(sample.file(), parts);
}

// Node 0 is 'features.conv', 3 is 'head'.
template <class Change>
void check_node_refused(int index, const Change& change, const std::vector<std::string>& parts) {
  check_graph_refused([&](json& graph) { change(graph["nodes"][static_cast<std::size_t>(index)]); },
                      parts);
}

template <class Change>
void check_header_refused(const Change& change, const std::vector<std::string>& parts) {
  const SampleExport sample = sample_classifier();
  json header = header_of(sample.graph, sample.tensors);
  change(header);
  check_refused(safetensors(header, sample.tensors), parts);
}

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

TEST_CASE("the sample exports are sound, or the tests below would prove nothing") {
  check_accepted(sample_classifier().file());
  check_accepted(sample_detector().file());
  check_accepted(sample_channels_first().file());
}

TEST_CASE("a graph has the author's names, calibration, labels, task and preprocessing") {
  const auto graph = load(sample_classifier().file());
  REQUIRE(graph);
  CHECK(ops_of(*graph) == "conv2d clip mean linear");
  CHECK(graph->nodes[0].name == "features.conv");
  CHECK(graph->producer == "a test");
  CHECK(tensor_named(*graph, "relu").quantization == Quantization{0.02f, 0});
  CHECK_FALSE(tensor_named(*graph, "conv").quantization);
  CHECK(graph->labels.size() == 5);
  CHECK(graph->task.type == TaskType::classify);
  REQUIRE(graph->preprocess);
  CHECK(graph->preprocess->std == std::vector<float>{64, 64, 64});
  CHECK_FALSE(graph->keeps_rounding);
}

TEST_CASE("a header that is cut off, too long, or no JSON") {
  const std::string file = sample_classifier().file();
  check_refused(file.substr(0, 100), {"cut off"});
  check_refused(file.substr(0, file.size() - 4), {"outside the file"});
  check_refused(file + "more", {"longer than its tensors"});
  std::string damaged = file;
  damaged[9] = 'x';
  check_refused(damaged, {"not a JSON object"});
  const auto tiny = load("12345678{");
  CHECK_FALSE(tiny);
}

TEST_CASE("offsets that overlap, leave a gap, leave the file, or do not suit the shape") {
  check_header_refused([](json& h) { h["fc.bias"]["data_offsets"] = {0, 20}; }, {"overlap"});
  check_header_refused([](json& h) { h.erase("conv.bias"); }, {"gap"});
  check_header_refused([](json& h) { h["fc.bias"]["data_offsets"][1] = 1 << 30; },
                       {"'fc.bias'", "outside"});
  check_header_refused([](json& h) { h["fc.bias"]["data_offsets"] = {20, 0}; }, {"'fc.bias'"});
  check_header_refused([](json& h) { h["fc.bias"]["data_offsets"] = {-20, 0}; }, {"'fc.bias'"});
  check_header_refused([](json& h) { h["fc.bias"]["shape"] = {6}; },
                       {"'fc.bias'", "20 bytes", "24"});
  check_header_refused(
      [](json& h) {
        h["fc.bias"]["shape"] = {4294967296, 4294967296};
      },
      {"'fc.bias'", "larger than the file"});
  check_header_refused([](json& h) { h["fc.bias"]["shape"] = "5"; },
                       {"'fc.bias'", "needs dtype, shape"});
  check_header_refused([](json& h) { h["fc.bias"]["dtype"] = "F8"; }, {"'fc.bias'", "'F8'"});
  check_header_refused([](json& h) { h["fc.bias"] = 3; }, {"'fc.bias'"});
}

TEST_CASE("metadata that is none, and a checkpoint without a graph") {
  check_header_refused([](json& h) { h["__metadata__"] = 1; }, {"__metadata__"});
  check_header_refused([](json& h) { h["__metadata__"]["more"] = 1; }, {"'more'", "not a text"});
  check_header_refused([](json& h) { h.erase("__metadata__"); },
                       {"plain checkpoint", "octet_export.py"});
  check_header_refused([](json& h) { h["__metadata__"]["octet.graph"] = "{"; }, {"octet.graph"});
  check_header_refused([](json& h) { h["__metadata__"]["octet.graph"] = "[]"; }, {"octet.graph"});
}

TEST_CASE("fields of the graph that are missing, misspelt, or of a newer format") {
  for (const char* field : {"format", "layout", "nodes", "tensors", "inputs", "outputs"}) {
    check_graph_refused([&](json& g) { g.erase(field); },
                        {"'" + std::string(field) + "' is missing"});
  }
  check_graph_refused([](json& g) { g["ouputs"] = json::array(); }, {"'ouputs'", "unknown"});
  check_graph_refused([](json& g) { g["format"] = 2; }, {"format 2 is newer"});
  check_graph_refused([](json& g) { g["format"] = "1"; }, {"'format'"});
  check_graph_refused([](json& g) { g["layout"] = "chwn"; }, {"'layout'"});
  check_graph_refused([](json& g) { g["inputs"] = json::array(); }, {""});
  check_graph_refused([](json& g) { g["outputs"] = json::array(); }, {"no inputs or no outputs"});
  check_graph_refused(
      [](json& g) {
        g["inputs"] = {"image", "image"};
      },
      {"'image' is named twice"});
  check_graph_refused([](json& g) { g["inputs"] = {"picture"}; }, {"'picture'"});
  check_graph_refused([](json& g) { g["outputs"] = {"score"}; }, {"'score'"});
  check_graph_refused([](json& g) { g["labels"] = {1, 2}; }, {"'labels'", "not a text"});
}

TEST_CASE("activations: scales and zero points out of range, unknown keys, shapes that are none") {
  const auto change_tensor = [](const json& value, const std::vector<std::string>& parts) {
    check_graph_refused([&](json& g) { g["tensors"]["relu"].update(value); }, parts);
  };
  for (const json& scale :
       {json(0), json(-1), json(1e-45), json(1e39), json("1"), json(json::array())}) {
    change_tensor({{"scale", scale}}, {"'relu'", "scale"});
  }
  for (const json& zero_point :
       {json(-1), json(256), json(0.5), json(18446744073709551615ULL), json(4294967296)}) {
    change_tensor({{"zero_point", zero_point}}, {"'relu'", "zero"});
  }
  change_tensor({{"zeropoint", 0}}, {"'relu'", "'zeropoint'"});
  change_tensor({{"type", "s64"}}, {"'relu'", "type"});
  change_tensor({{"shape", {1, 0, 4, 4}}}, {"'relu'"});
  change_tensor({{"shape", {1, 65536, 65536, 4}}}, {"'relu'", "too large"});
  change_tensor({{"shape", {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}}}, {"'relu'", "rank 10"});
  check_graph_refused([](json& g) { g["tensors"]["relu"].erase("zero_point"); },
                      {"'relu'", "'zero_point' is missing"});
  check_graph_refused(
      [](json& g) {
        g["tensors"]["fc.bias"] = {{"shape", {5}}};
      },
      {"'fc.bias'", "both an activation and a parameter"});
}

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

TEST_CASE("F16 and BF16 weights are the values that they stand for") {
  const std::vector<uint16_t> half = {0x3C00, 0xC000, 0x0001, 0x7BFF};
  const std::vector<uint16_t> bfloat = {0x3F80, 0xC000, 0x0080, 0x7F7F};
  for (const bool is_half : {true, false}) {
    SampleExport sample = sample_channels_first();
    const auto& bits = is_half ? half : bfloat;
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), bits.data(), 8);
    sample.tensors = {{.name = "weight",
                       .dtype = is_half ? "F16" : "BF16",
                       .shape = {2, 2, 1, 1},
                       .bytes = bytes}};
    const auto graph = load(sample.file());
    REQUIRE(graph);
    const auto values = octet::graph::float_values(tensor_named(*graph, "weight"));
    CHECK(values[0] == 1);
    CHECK(values[1] == -2);
    CHECK(values[2] == (is_half ? std::ldexp(1.0f, -24) : std::ldexp(1.0f, -126)));
    CHECK(values[3] == (is_half ? 65504.0f : std::ldexp(255.0f / 128, 127)));
  }
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

TEST_CASE(
    "a preprocessing that is misspelt, incomplete, out of range, or of another size than the "
    "input") {
  const auto refused = [](const char* key, const json& value,
                          const std::vector<std::string>& parts) {
    check_graph_refused([&](json& g) { g["preprocess"][key] = value; }, parts);
  };
  refused("size", {8}, {"'size'"});
  refused("size", {0, 8}, {"'size'"});
  refused("size", {9, 8}, {"[1, 9, 8, 3]", "[1, 8, 8, 3]"});
  refused("resize", "squash", {"'resize'", "letterbox"});
  refused("channels", "rgba", {"'channels'", "gray"});
  refused("channels", "gray", {"1 values"});
  refused("mean", {0, 0}, {"'mean'", "3 values"});
  refused("std", {1, 0, 1}, {"'std'", "0"});
  refused("std", {1, "1", 1}, {"'std'"});
  refused("mean", {1e300, 0, 0}, {"'mean'"});
  refused("normalise", true, {"'normalise'"});
  check_graph_refused([](json& g) { g["preprocess"].erase("mean"); }, {"'mean' is missing"});
  check_graph_refused([](json& g) { g["preprocess"] = 1; }, {"'preprocess'"});
}

TEST_CASE("a task that is unknown, or names what is not there") {
  const auto refused = [](const char* key, const json& value, const std::string& part) {
    SampleExport sample = sample_detector();
    sample.graph["task"][key] = value;
    check_refused(sample.file(), {"'task'", part});
  };
  refused("type", "segment", "'type'");
  refused("boxes", 3, "no output 3");
  refused("boxes", -1, "'boxes'");
  refused("scores", 1.5, "'scores'");
  refused("landmarks", -2, "no output -2");
  refused("min_sizes", {{4}, {6}}, "'min_sizes'");
  refused("min_sizes", {4, 6}, "'min_sizes'");
  refused("variances", {0.1}, "'variances'");
  refused("nms", 0.5, "'nms'");
  refused("steps", "8", "'steps'");
  SampleExport without = sample_detector();
  without.graph["task"].erase("landmarks");
  check_accepted(without.file());
}
