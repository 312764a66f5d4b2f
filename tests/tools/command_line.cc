#include "tests/tools/command_line.h"

#include <sys/wait.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <sstream>

#include "tests/loaders/sample_exports.h"
#include "tests/tools/jpeg_bytes.h"

namespace octet::test {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

bool runs_models(const std::string& command) {
  return command == "run" || command == "eval" || command == "bench";
}

image::Image made_image(int height, int width, uint32_t seed) {
  image::Image image{.height = height, .width = width};
  for (int i = 0; i < height * width * 3; ++i) {
    seed = seed * 1664525U + 1013904223U;
    image.pixels.push_back(static_cast<uint8_t>(seed >> 24));
  }
  return image;
}

}  // namespace

std::vector<nlohmann::json> Outcome::json_lines() const {
  std::vector<nlohmann::json> lines;
  std::istringstream text(out);
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

Outcome octet_tool(const std::vector<std::string>& arguments, const Streams& streams) {
  const TemporaryFolder folder;
  folder.write("out", "");
  folder.write("err", "");
  std::string command = quoted(OCTET_TOOL);
  for (const std::string& argument : arguments) command += " " + quoted(argument);
  if (!arguments.empty() && runs_models(arguments[0]) &&
      std::ranges::find(arguments, "--threads") == arguments.end()) {
    command += " --threads 1";
  }
  const auto file_or = [&](const std::string& file, const char* name) {
    return quoted(file.empty() ? folder.path(name) : file);
  };
  folder.write("in", streams.input);
  command += " < " + file_or(streams.input_file, "in");
  command += streams.append_to.empty() ? " > " + file_or(streams.output_file, "out")
                                       : " >> " + quoted(streams.append_to);
  command += streams.append_errors_to.empty() ? " 2> " + file_or(streams.error_file, "err")
                                              : " 2>> " + quoted(streams.append_errors_to);
  const int status = std::system(command.c_str());
  REQUIRE(WIFEXITED(status));
  return {.code = WEXITSTATUS(status),
          .out = contents_of(folder.path("out")),
          .err = contents_of(folder.path("err"))};
}

Workplace::Workplace()
    : classifier(folder.path("classifier.octet")),
      float_classifier(folder.path("classifier_float.octet")),
      detector(folder.path("detector.octet")),
      float_detector(folder.path("detector_float.octet")) {
  const std::string classifier_export =
      folder.write("classifier.safetensors", sample_classifier().file());
  const std::string detector_export =
      folder.write("detector.safetensors", sample_detector().file());
  REQUIRE(octet_tool({"convert", classifier_export, "-o", classifier}).code == 0);
  REQUIRE(octet_tool({"convert", classifier_export, "-o", float_classifier, "--float"}).code == 0);
  REQUIRE(octet_tool({"convert", detector_export, "-o", detector}).code == 0);
  REQUIRE(octet_tool({"convert", detector_export, "-o", float_detector, "--float"}).code == 0);
  images = {path("one.png"), path("two.png")};
  REQUIRE(image::write_png(made_image(20, 30, 1), images[0]));
  REQUIRE(image::write_png(made_image(9, 7, 2), images[1]));
  images.push_back(folder.write("three.jpg", jpeg_bytes(made_image(16, 16, 3))));
}

const Workplace& workplace() {
  static const Workplace place;
  return place;
}

void check_failed(const Outcome& outcome, const std::string& part) {
  INFO("stdout: " << outcome.out << "\nstderr: " << outcome.err);
  CHECK(outcome.code == 1);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.starts_with("octet: "));
  CHECK(contains(outcome.err, part));
}

void check_wrong_usage(const Outcome& outcome, const std::string& part) {
  INFO("stdout: " << outcome.out << "\nstderr: " << outcome.err);
  CHECK(outcome.code == 2);
  CHECK(outcome.out.empty());
  CHECK(contains(outcome.err, part));
}

}  // namespace octet::test
