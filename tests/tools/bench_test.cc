// octet bench: what it prints, never how long anything took.
#include <catch2/catch.hpp>

#include "tests/tools/command_line.h"

using namespace octet::test;

namespace {

const Workplace& workplace() {
  static const Workplace place;
  return place;
}

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
