// Runs the README's commands, as a reader would who has an ONNX classifier and pictures.
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/onnx/onnx_maker.h"
#include "tests/tools/command_line.h"

using namespace octet;
using namespace octet::test;

namespace {

/// The lines of the section's code block that call the tool, without 'build/octet'.
std::vector<std::string> commands_of(const std::string& section) {
  std::ifstream file(std::string(OCTET_SOURCE_DIR) + "/README.md");
  REQUIRE(file.good());
  const std::string call = "    build/octet ";
  std::vector<std::string> commands;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) inside = line == "## " + section;
    if (inside && line.starts_with(call)) commands.push_back(line.substr(call.size()));
  }
  return commands;
}

std::string write_onnx_classifier(const Workplace& w) {
  OnnxMaker m;
  m.input("x", {1, 3, 8, 8}).output("scores").floats("w", {2, 3, 1, 1}, {1, 2, 3, -1, -2, 3});
  m.node("Conv", {"x", "w"}, {"maps"}).node("GlobalAveragePool", {"maps"}, {"pooled"});
  m.node("Flatten", {"pooled"}, {"scores"});
  return w.folder.write("classifier.onnx", m.file());
}

}  // namespace

TEST_CASE("the README's lines of use run as they stand there") {
  const Workplace w;
  const std::map<std::string, std::string> files = {
      {"classifier.onnx", write_onnx_classifier(w)},
      {"model.octet", w.path("model.octet")},
      {"float.octet", w.path("float.octet")},
      {"photos/", w.path(".")},
      {"validation/", w.path(".")},
      {"photo.jpg", w.images[2]},
      {"answer.png", w.path("answer.png")},
  };
  const auto commands = commands_of("A few lines of use");
  REQUIRE(commands.size() == 5);
  for (const std::string& command : commands) {
    INFO(command);
    std::vector<std::string> arguments;
    std::istringstream words(command);
    for (std::string word; words >> word;) {
      if (word == "$pictures") {
        arguments.insert(arguments.end(), {"--preprocess", "imagenet-torch", "--task", "classify"});
      } else {
        arguments.push_back(files.contains(word) ? files.at(word) : word);
      }
    }
    if (command.starts_with("bench")) arguments.insert(arguments.end(), {"--runs", "2"});
    const Outcome outcome = octet_tool(arguments);
    INFO(outcome.err);
    CHECK(outcome.code == 0);
    CHECK_FALSE(outcome.out.empty());
  }
}
