// Files of every version of the .octet format, each written by the octet of its time
// (docs/format.md). OCTET_WRITE_FORMAT_FILE=1 build/tests/octet_tests "the file of this version"
// makes the one of today's version again.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "engine/checksum.h"
#include "engine/format/octet_generated.h"
#include "engine/format_version.h"
#include "octet/octet.hpp"
#include "tests/graph/run_graph.h"

namespace octet::test {
namespace {

const std::string models = OCTET_SOURCE_DIR "/tests/engine/format/";

std::vector<char> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  INFO(path);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string path_of(uint32_t version) { return models + "v" + std::to_string(version) + ".octet"; }

/// The answers of the octet of that time for the same pixels: all outputs, one after the other.
std::vector<float> answers_then(uint32_t version) {
  const auto bytes = read_bytes(models + "v" + std::to_string(version) + ".outputs.bin");
  std::vector<float> values(bytes.size() / sizeof(float));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(values.data()));
  return values;
}

/// An image of 8x8 RGB pixels, whose values repeat every 256.
std::vector<uint8_t> pixels() {
  std::vector<uint8_t> out(8 * 8 * 3);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<uint8_t>(i * 37);
  return out;
}

/// The outputs for these pixels, one after the other.
std::vector<float> answers_of(const Model& model) {
  auto session = Session::create(model);
  REQUIRE(session);
  REQUIRE(session->set_pixels(0, pixels()));
  REQUIRE(session->run());
  std::vector<float> answers;
  for (std::size_t i = 0; i < session->output_count(); ++i) {
    const auto values = session->output(i).values<float>();
    answers.insert(answers.end(), values.begin(), values.end());
  }
  return answers;
}

/// A network with what version 4 brought: functions of all forms inside layers, of a layer's own
/// sum and of a sum with a residual, and a scale for each channel.
graph::Graph graph_of_version_4() {
  GraphMaker m;
  TensorId x = m.conv("stem", m.input({1, 8, 8, 3}), {.channels = 8, .kernel = 3, .padding = 1});
  x = m.simple("stem.silu", Op::silu, x);
  x = m.conv("deep", x, {.channels = 8, .kernel = 3, .stride = 2, .padding = 1, .groups = 8});
  x = m.simple("deep.hard_swish", Op::hard_swish, x);
  const TensorId sum = m.add("sum", m.conv("wide", x, {.channels = 8}), x);
  x = m.node("leaky", Op::leaky_relu, ScalarAttributes{0.25F}, {sum});
  x = m.add("add", m.simple("mish", Op::mish, m.conv("other", x, {.channels = 8})), x);
  graph::Graph graph =
      m.finish({m.simple("scores", Op::sigmoid, m.conv("head", x, {.channels = 4}))});
  calibrate(graph);
  graph.preprocess =
      Preprocess{.height = 8, .width = 8, .mean = {127, 127, 127}, .std = {64, 64, 64}};
  graph.task.type = TaskType::classify;
  return graph;
}

void write_bytes(const std::string& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.good());
}

}  // namespace

TEST_CASE("the file of this version has what the version brought") {
  const auto bytes = graph::build_model(graph_of_version_4(), {});
  REQUIRE(bytes);
  CHECK(format::GetModel(bytes->data())->version() == format_version);
  if (std::getenv("OCTET_WRITE_FORMAT_FILE") != nullptr) {
    write_bytes(path_of(format_version), *bytes);
    const auto model = Model::from_memory(*bytes, "today's");
    REQUIRE(model);
    const std::vector<float> answers = answers_of(*model);
    write_bytes(models + "v" + std::to_string(format_version) + ".outputs.bin",
                std::as_bytes(std::span(answers)));
  }
  const auto model = Model::load(path_of(4));
  REQUIRE(model);
  std::vector<std::string> functions;
  std::size_t by_channel = 0;
  for (const NodeInfo& node : model->nodes()) {
    if (!node.function.empty()) functions.push_back(node.name + " " + node.function);
    by_channel += node.outputs[0].channel_scales.empty() ? 0 : 1;
  }
  CHECK(functions == std::vector<std::string>{"stem silu", "deep hard_swish", "wide leaky_relu",
                                              "other mish", "head sigmoid"});
  CHECK(by_channel == 1);
}

TEST_CASE("a model without what version 4 brought is written for readers of version 3") {
  GraphMaker m;
  graph::Graph graph = m.finish({m.relu("relu", m.conv("a", m.input({1, 8, 8, 3})))});
  calibrate(graph);
  const auto bytes = graph::build_model(graph, {});
  REQUIRE(bytes);
  CHECK(format::GetModel(bytes->data())->version() == 3);
}

TEST_CASE("a file of every version of the format loads, and answers as it did then") {
  for (uint32_t version = 1; version <= format_version; ++version) {
    INFO("version " << version);
    CHECK(format::GetModel(read_bytes(path_of(version)).data())->version() == version);
    const auto model = Model::load(path_of(version), {.verify_checksum = true});
    INFO((model ? "" : model.error().message));
    REQUIRE(model);
    CHECK(answers_of(*model) == answers_then(version));
  }
}

TEST_CASE("what files of each version say about a task") {
  const auto task_of = [](uint32_t version) {
    const auto model = Model::load(path_of(version));
    REQUIRE(model);
    return model->task();
  };
  CHECK(task_of(1).type == TaskType::classify);
  CHECK(task_of(1).score_type == ScoreType::probabilities);  // the nodes say so
  for (const uint32_t version : {2U, 3U}) {
    CHECK(task_of(version).type == TaskType::detect);
    CHECK(task_of(version).corners);
  }
}

TEST_CASE("whoever changes the schema decides whether older readers would misread it") {
  // After a change of the schema, read 'Changing it' in docs/format.md and then put the new number
  // here.
  constexpr uint64_t known = 0xe91c909d9b773aec;
  const auto schema = read_bytes(OCTET_SOURCE_DIR "/engine/format/octet.fbs");
  std::vector<std::byte> without_comments(8);  // the first bytes stand for a checksum
  bool in_comment = false;
  for (std::size_t i = 0; i < schema.size(); ++i) {
    if (schema[i] == '/' && i + 1 < schema.size() && schema[i + 1] == '/') in_comment = true;
    if (schema[i] == '\n') in_comment = false;
    const bool is_space = schema[i] == ' ' || schema[i] == '\n' || schema[i] == '\r';
    if (!in_comment && !is_space) without_comments.push_back(static_cast<std::byte>(schema[i]));
  }
  INFO("the schema of .octet files is another: docs/format.md, 'Changing it', says what to do");
  CHECK(octet::checksum_of(without_comments, 0) == known);
}

}  // namespace octet::test
