// Tests what octet bench prints, never how long anything takes.
#include <algorithm>
#include <catch2/catch.hpp>

#include "graph/passes/passes.h"
#include "tests/graph/run_graph.h"
#include "tests/tools/command_line.h"

using namespace octet;
using namespace octet::test;

namespace {

nlohmann::json bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "bench");
  arguments.insert(arguments.end(), {"--runs", "3", "--warmup", "1", "--json"});
  const Outcome outcome = octet_tool(arguments);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return outcome.json();
}

/// The engines that this build can measure against.
std::vector<std::string> engines() {
  std::vector<std::string> here = {"float"};
  const std::string help = octet_tool({"bench", "--help"}).out;
  for (const char* name : {"onednn", "xnnpack"}) {
    if (contains(help, std::string(name) + ":")) here.emplace_back(name);
  }
  return here;
}

}  // namespace

TEST_CASE("bench measures two models in turn, and layers") {
  const Workplace& w = workplace();
  const auto json = bench({w.classifier, "--compare", w.float_classifier, "--layers"});
  CHECK(json["model"] == w.classifier);
  CHECK(json["threads"] == 1);
  CHECK(json["runs"] == 3);
  CHECK(json["median_ms"] >= json["min_ms"]);
  CHECK(json["create_ms"] > 0);
  CHECK(json["weight_bytes"] > 0);
  CHECK(json["packed_bytes"] > 0);
  CHECK(json["arena_bytes"] >= json["arena_lower_bound"]);
  CHECK(json.contains("scratch_bytes"));
  CHECK(json.contains("peak_bytes"));
  CHECK(json["interruptions"] >= 0);
  CHECK(json["quiet"].is_boolean());
  CHECK(json["macs"] > 0);
  CHECK(json["gmacs_per_s"] > 0);
  CHECK(json["compare"]["ratio"] > 0);
  CHECK(json["compare"]["model"] == w.float_classifier);
  CHECK(json["layers"].size() == 5);
  CHECK_FALSE(json["layers"][0].contains("float_ms"));
  const std::string isa = json["isa"];
  CHECK(octet_tool({"bench", w.classifier, "--runs", "1", "--isa", isa}).code == 0);
  const std::string library = json["compare"]["isa"];
  CHECK((library == "xnnpack" || library == "eigen"));
  const Outcome text = octet_tool({"bench", w.classifier, "--runs", "2"});
  CHECK(contains(text.out, "median"));
  const Outcome absent =
      octet_tool({"bench", w.classifier, "--compare", w.path("absent.octet"), "--runs", "1"});
  CHECK(absent.code == 1);
  CHECK(contains(absent.err, "absent.octet"));
}

TEST_CASE("bench measures against other engines that run the same network, on one thread and two") {
  const Workplace& w = workplace();
  for (const std::string& model : {w.classifier, w.detector}) {
    for (const std::string& engine : engines()) {
      for (const char* threads : {"1", "2"}) {
        INFO(model << " against " << engine << " with threads: " << threads);
        const auto json = bench({model, "--against", engine, "--threads", threads});
        REQUIRE(json["against"].size() == 1);
        const auto& rival = json["against"][0];
        CHECK(rival["engine"] == engine);
        CHECK(rival["median_ms"] >= rival["min_ms"]);
        CHECK(rival["ratio"].get<double>() ==
              Approx(rival["median_ms"].get<double>() / json["median_ms"].get<double>()));
        CHECK(rival["cosine"] > 0.98);
      }
    }
  }
  CHECK(octet_tool({"bench", w.classifier, "--against", "nobody"}).code == 2);
  const std::vector<std::string> here = engines();
  if (std::ranges::count(here, "onednn") == 0) {
    const Outcome outcome = octet_tool({"bench", w.classifier, "--against", "onednn"});
    CHECK(outcome.code == 2);
    CHECK(contains(outcome.err, "third_party/install_debian.sh benchmark"));
  }
}

TEST_CASE("bench measures against several engines at once") {
  std::vector<std::string> arguments = {workplace().classifier};
  const auto names = engines();
  for (const std::string& engine : names) {
    arguments.insert(arguments.end(), {"--against", engine});
  }
  CHECK(bench(arguments)["against"].size() == names.size());
}

TEST_CASE("each int8 layer is measured beside its float form; what only converts has none") {
  const Workplace& w = workplace();
  for (const std::string& model : {w.classifier, w.detector}) {
    const auto json = bench({model, "--against", "float", "--layers"});
    std::size_t raced = 0;
    for (const auto& layer : json["layers"]) {
      INFO(layer.dump());
      const std::string op = layer["op"];
      if (layer["int8"] == true && (op == "conv2d" || op == "linear" || op == "avg_pool2d")) {
        CHECK(layer["ratio"].get<double>() ==
              Approx(layer["float_ms"].get<double>() / layer["alone_ms"].get<double>()));
        ++raced;
      }
      if (op == "quantize" || op == "reshape") CHECK(layer["float_ms"].is_null());
    }
    CHECK(raced > 0);
  }
  const Outcome text =
      octet_tool({"bench", w.classifier, "--against", "float", "--layers", "--runs", "1"});
  CHECK(contains(text.out, "float ms"));
  CHECK(contains(text.out, "int8 is slower on"));
}

TEST_CASE("held to an instruction set, all engines still run the same network") {
  const Workplace& w = workplace();
  for (const char* isa : {"reference", "avx2", "avxvnni"}) {
    const Outcome outcome = octet_tool(
        {"bench", w.classifier, "--against", "float", "--isa", isa, "--runs", "2", "--json"});
    if (outcome.code != 0) {  // this machine does not have it
      CHECK(contains(outcome.err, isa));
      continue;
    }
    CHECK(outcome.json()["isa"] == isa);
    CHECK(outcome.json()["against"][0]["cosine"] > 0.98);
  }
}

namespace {

/// A graph of image, convolution, `op` and convolution, all of it in int8 with scales from a random
/// input. With `bounded`, the first layer has bounds: the function then is a table behind it.
Graph with_function(Op op, bool bounded = false) {
  GraphMaker m;
  TensorId x = m.input({1, 12, 12, 3});
  x = m.conv("a", x, {.channels = 8, .kernel = 3, .padding = 1});
  if (op == Op::log || op == Op::sqrt || bounded)
    x = m.clip("positive", x, {.min = bounded ? -0.5F : 0.5F});
  if (op == Op::leaky_relu || op == Op::elu) {
    x = m.node("function", op, ScalarAttributes{0.3F}, {x});
  } else {
    x = m.simple("function", op, x);
  }
  Graph graph = m.finish({m.conv("b", x, {.channels = 4, .kernel = 3})});
  calibrate(graph);
  return graph;
}

std::string write_graph(const TemporaryFolder& folder, const Graph& graph) {
  const auto bytes = graph::build_model(graph, {});
  INFO((bytes ? "" : bytes.error().message));
  REQUIRE(bytes);
  return folder.write("m.octet",
                      std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()));
}

}  // namespace

TEST_CASE("bench: a table or a function inside a layer is that function for the other engines") {
  const TemporaryFolder folder;
  for (int i = 0; i < op_count; ++i) {
    const Op op = static_cast<Op>(i);
    if (!is_function_of_one_value(op)) continue;
    const std::string model = write_graph(folder, with_function(op));
    std::size_t in_int8 = 0;
    const auto described = octet_tool({"inspect", model, "--json"}).json();
    for (const auto& node : described["nodes"]) in_int8 += node["function"] == op_name(op) ? 1 : 0;
    CHECK(in_int8 == 1);
    for (const std::string& engine : engines()) {
      if (engine == "onednn") continue;
      INFO(op_name(op) << " against " << engine);
      CHECK(bench({model, "--against", engine})["against"][0]["cosine"] > 0.98);
    }
    const auto layers = bench({model, "--against", "float", "--layers"})["layers"];
    CHECK(std::ranges::count_if(layers, [](const auto& layer) {
            const bool is_function = layer["op"] == "lookup" || layer["op"] == "conv2d";
            return is_function && layer["float_ms"].is_number();
          }) >= 1);
  }
}

TEST_CASE("bench: a table whose function the file does not say is refused with the remedy") {
  const TemporaryFolder folder;
  Graph graph = with_function(Op::leaky_relu, true);
  REQUIRE(graph::run_pipeline(graph, {}));
  for (Node& node : graph.nodes) {
    if (node.op == Op::lookup) node.attributes = LookupAttributes{};  // as in early version 2
  }
  const auto bytes = graph::write_model(graph);
  REQUIRE(bytes);
  const std::string model = folder.write(
      "m.octet", std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()));
  const Outcome outcome = octet_tool({"bench", model, "--against", "float", "--runs", "1"});
  CHECK(outcome.code == 1);
  CHECK(contains(outcome.err, "node 'function' is a table"));
  CHECK(contains(outcome.err, "convert the model again"));
}

TEST_CASE("bench: a ReLU that is nothing but a zero point is one for the other engines, too") {
  const TemporaryFolder folder;
  GraphMaker m;
  TensorId x = m.input({1, 12, 12, 3});
  const TensorId a = m.conv("a", x, {.channels = 8, .kernel = 3, .padding = 1});
  Graph graph = m.finish({m.conv("b", a, {.channels = 4, .kernel = 3})});
  calibrate(graph);
  graph.tensor(a).quantization->zero_point = 0;
  graph.tensor(graph.outputs[0]).quantization.reset();
  const std::string model = write_graph(folder, graph);
  for (const std::string& engine : engines()) {
    if (engine == "onednn") continue;
    INFO(engine);
    CHECK(bench({model, "--against", engine})["against"][0]["cosine"] > 0.98);
  }
}

TEST_CASE("bench: a model without a value that XNNPACK wants a scale for runs the same network") {
  // All of it is int8 with scales of its own, so nothing was run in float before XNNPACK is asked.
  const TemporaryFolder folder;
  GraphMaker m;
  TensorId x = m.input({1, 12, 12, 3});
  x = m.conv("a", x, {.channels = 8, .kernel = 3, .padding = 1});
  Graph graph = m.finish({m.max_pool("b", x)});
  calibrate(graph);
  const std::string model = write_graph(folder, graph);
  for (const std::string& engine : engines()) {
    INFO(engine);
    CHECK(bench({model, "--against", engine})["against"][0]["cosine"] > 0.98);
  }
}

TEST_CASE(
    "bench: an engine whose outputs are others gives no ratio, but a message and exit code 1") {
  // The scores' scale is so coarse that octet's are 0 nearly everywhere, and the float ones are
  // not.
  const TemporaryFolder folder;
  GraphMaker m;
  TensorId x = m.input({1, 12, 12, 3});
  const TensorId a = m.conv("a", x, {.channels = 8, .kernel = 3, .padding = 1});
  Graph graph = m.finish({m.conv("b", a, {.channels = 4, .kernel = 3})});
  calibrate(graph);
  graph.tensor(a).quantization = Quantization{.scale = 4, .zero_point = 128};
  graph.tensor(a).channel_low.clear();  // or its channels would have scales of their own
  const std::string model = write_graph(folder, graph);
  const std::vector<std::string> arguments = {"bench", model, "--against", "float", "--runs", "2"};
  const Outcome text = octet_tool(arguments);
  INFO(text.out << text.err);
  CHECK(text.code == 1);
  CHECK(contains(text.out, "no ratio"));
  CHECK(contains(text.err, "--against float: its outputs are not octet's"));
  auto as_json = arguments;
  as_json.emplace_back("--json");
  const Outcome json = octet_tool(as_json);
  CHECK(json.code == 1);
  CHECK(json.json()["against"][0]["ratio"].is_null());
  CHECK(json.json()["against"][0]["cosine"] < 0.9);
}
