#include <cmath>
#include <cstring>

#include "tests/graph/run_graph.h"
#include "tests/loaders/refusal.h"

using namespace octet::test;
using namespace octet;

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
  check_header_refused([](json& h) { h["fc.bias"]["shape"] = {4294967296, 4294967296}; },
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
  check_graph_refused([](json& g) { g["inputs"] = {"image", "image"}; },
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
  check_graph_refused([](json& g) { g["tensors"]["fc.bias"] = {{"shape", {5}}}; },
                      {"'fc.bias'", "both an activation and a parameter"});
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
  refused("channels", "gray", {"'gray' needs 1 in each"});
  refused("mean", {0, 0}, {"'mean' has 2 values", "'rgb' needs 3 in each"});
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
  SampleExport map = sample_detector();  // its outputs are many boxes and many scores
  map.graph["task"] = {{"type", "classify"}};
  check_refused(map.file(), {"classify", "answers at many places"});
  check_graph_refused([](json& g) { g["labels"] = {"a", "b"}; },
                      {"2 labels", "'scores'", "5 classes"});
  SampleExport without = sample_detector();
  without.graph["task"].erase("landmarks");
  check_accepted(without.file());
}

TEST_CASE("labels for all scores of a file without a task make a classifier") {
  const auto task_with = [](const json& labels) {
    SampleExport sample = sample_classifier();
    sample.graph.erase("task");
    sample.graph["labels"] = labels;
    const auto graph = load(sample.file());
    REQUIRE(graph);
    return graph->task.type;
  };
  CHECK(task_with({"a", "b", "c", "d", "e"}) == TaskType::classify);
  CHECK(task_with({"a", "b"}) == TaskType::none);
}

TEST_CASE("a classifier that answers with an index has any number of labels") {
  SampleExport index = sample_classifier();
  json& g = index.graph;
  g["nodes"].push_back({{"name", "best"},
                        {"op", "argmax"},
                        {"inputs", {"scores"}},
                        {"outputs", {"best"}},
                        {"attributes", {{"axis", 1}, {"keepdims", true}}}});
  g["nodes"].push_back({{"name", "class"},
                        {"op", "reshape"},
                        {"inputs", {"best"}},
                        {"outputs", {"class"}},
                        {"attributes", {{"shape", {1}}}}});
  g["tensors"]["best"] = {{"shape", {1, 1}}, {"type", "s32"}};
  g["tensors"]["class"] = {{"shape", {1}}, {"type", "s32"}};
  g["outputs"] = {"class"};
  check_accepted(index.file());
}
