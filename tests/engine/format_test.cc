// Files of every version of the .octet format, each written by the octet of its time
// (docs/format.md).
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "engine/checksum.h"
#include "engine/format/octet_generated.h"
#include "engine/format_version.h"
#include "octet/octet.hpp"

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

}  // namespace

TEST_CASE("a file of every version of the format loads, and answers as it did then") {
  for (uint32_t version = 1; version <= format_version; ++version) {
    INFO("version " << version);
    CHECK(format::GetModel(read_bytes(path_of(version)).data())->version() == version);
    const auto model = Model::load(path_of(version), {.verify_checksum = true});
    INFO((model ? "" : model.error().message));
    REQUIRE(model);
    auto session = Session::create(*model);
    REQUIRE(session);
    REQUIRE(session->set_pixels(0, pixels()));
    REQUIRE(session->run());
    std::vector<float> answers;
    for (std::size_t i = 0; i < session->output_count(); ++i) {
      const auto values = session->output(i).values<float>();
      answers.insert(answers.end(), values.begin(), values.end());
    }
    CHECK(answers == answers_then(version));
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
  constexpr uint64_t known = 0x025d1d3a7d0eb43c;
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
