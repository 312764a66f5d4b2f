// Tests what a user gives on the command line for a TFLite model: task, labels, preprocessing, new
// scales.
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/tflite/tflite_maker.h"
#include "tests/tools/command_line.h"

using namespace octet;
using namespace octet::test;

namespace {

/// A TFLite model: the mean of each colour as scores of three classes. The second colour counts
/// double.
std::string colours() {
  using octet::test::tflite::TensorType;
  TfliteMaker m;
  m.inputs = {m.activation("image", {1, 8, 8, 3}, TensorType::UINT8, 1.0f / 255, 0)};
  const int32_t mean = m.activation("mean", {1, 3}, TensorType::UINT8, 1.0f / 255, 0);
  const int32_t axes = m.integers("axes", {1, 2});
  const int32_t w = m.bytes("w", {3, 3}, TensorType::UINT8,
                            {129, 128, 128, 128, 130, 128, 128, 128, 129}, {{1.0f}, {128}, 0});
  m.outputs = {m.activation("scores", {1, 3}, TensorType::UINT8, 2.0f / 255, 0)};
  m.node(tflite::BuiltinOperator::MEAN, {0, axes}, {mean},
         options<tflite::ReducerOptions>(tflite::CreateReducerOptions, false));
  m.node(tflite::BuiltinOperator::FULLY_CONNECTED, {mean, w}, m.outputs,
         options<tflite::FullyConnectedOptions>(tflite::CreateFullyConnectedOptions,
                                                tflite::Activation::NONE,
                                                tflite::WeightsFormat::DEFAULT, false));
  return m.file();
}

}  // namespace

TEST_CASE("a TFLite classifier gets its task and labels from the user, and is evaluated") {
  const Workplace w;
  const std::string in = w.folder.write("colours.tflite", colours());
  const std::string out = w.path("colours.octet");
  REQUIRE(octet_tool({"convert", in, "-o", out}).code == 0);
  check_failed(octet_tool({"eval", out, w.path(".")}), "--task classify");

  const std::string labels = w.folder.write("labels.txt", "red\ngreen\r\nblue\n");
  const Outcome converted =
      octet_tool({"convert", in, "-o", out, "--task", "classify", "--labels", labels});
  INFO(converted.err);
  REQUIRE(converted.code == 0);
  const Outcome answer = octet_tool({"run", out, w.images[0], "--json"});
  INFO(answer.err);
  REQUIRE(answer.code == 0);
  CHECK(answer.json()["top"][0]["label"] == "green");

  // 0_... is class 1 where class 0 is 'background'.
  std::filesystem::create_directories(w.path("by_name"));
  std::filesystem::copy(w.images[0], w.path("by_name/0_image.png"));
  const std::vector<std::string> eval = {"eval", out, w.path("by_name"), "--json"};
  CHECK(octet_tool(eval).json()["top1"] == 0.0);
  std::vector<std::string> shifted = eval;
  shifted.insert(shifted.end(), {"--first-class", "1"});
  CHECK(octet_tool(shifted).json()["top1"] == 100.0);
}

TEST_CASE("labels and tasks that do not fit") {
  const Workplace w;
  const std::string in = w.folder.write("colours.tflite", colours());
  const std::string labels = w.folder.write("labels.txt", "red\ngreen\n");
  const std::vector<std::string> convert = {"convert", in, "-o", w.path("out.octet")};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = convert;
    all.insert(all.end(), more.begin(), more.end());
    return octet_tool(all);
  };
  check_failed(with({"--labels", labels}), "2 labels");
  check_failed(with({"--labels", w.path("absent.txt")}), "absent.txt");
  check_failed(with({"--task", "guess"}), "--task");
}

TEST_CASE("a quantized model's scales stay, or are forgotten and chosen again") {
  const Workplace w;
  const std::string in = w.folder.write("colours.tflite", colours());
  const std::string out = w.path("again.octet");
  check_failed(octet_tool({"convert", in, "-o", out, "--calibrate", w.path(".")}),
               "--forget-scales");
  const Outcome again =
      octet_tool({"convert", in, "-o", out, "--forget-scales", "--calibrate", w.path(".")});
  INFO(again.err);
  REQUIRE(again.code == 0);
  const auto nodes = octet_tool({"inspect", out, "--json"}).json()["nodes"];
  CHECK(nodes[1]["precision"] == "int8");
  // Without new scales it is a float model.
  check_failed(octet_tool({"convert", in, "-o", out, "--forget-scales"}), "no calibration scale");
  CHECK(octet_tool({"convert", in, "-o", out, "--forget-scales", "--float"}).code == 0);
}

TEST_CASE("pixels of a u8 model are the usual ones, unless the user says otherwise") {
  const Workplace w;
  const std::string in = w.folder.write("colours.tflite", colours());
  const std::string out = w.path("preprocess.octet");
  REQUIRE(octet_tool({"convert", in, "-o", out, "--task", "classify"}).code == 0);
  CHECK(octet_tool({"run", out, w.images[0]}).code == 0);
  CHECK(octet_tool({"convert", in, "-o", out, "--preprocess", "zero-one"}).code == 0);
}
