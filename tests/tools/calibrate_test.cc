// Tests convert --calibrate, --scales and --preprocess on the command line.
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/loaders/sample_exports.h"
#include "tests/onnx/onnx_maker.h"
#include "tests/tflite/tflite_maker.h"
#include "tests/tools/command_line.h"

using namespace octet;
using namespace octet::test;

namespace {

/// A classifier without scales, with a preprocessing or without one.
std::string write_uncalibrated(const Workplace& w, bool has_preprocess) {
  SampleExport sample = sample_classifier();
  for (auto& [name, tensor] : sample.graph["tensors"].items()) {
    tensor.erase("scale");
    tensor.erase("zero_point");
  }
  if (!has_preprocess) sample.graph.erase("preprocess");
  return w.folder.write(has_preprocess ? "float.safetensors" : "bare.safetensors", sample.file());
}

}  // namespace

TEST_CASE("convert --calibrate makes an int8 model of a float one and a folder of images") {
  const Workplace w;
  const std::string in = write_uncalibrated(w, true);
  for (const char* calibrator : {"min-max", "percentile", "mse", "entropy"}) {
    INFO(calibrator);
    const std::string out = w.path("calibrated.octet");
    const Outcome outcome = octet_tool(
        {"convert", in, "-o", out, "--calibrate", w.path("."), "--calibrator", calibrator});
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK(contains(outcome.out, "in int8"));
    const auto nodes = octet_tool({"inspect", out, "--json"}).json()["nodes"];
    CHECK(nodes[0]["precision"] == "int8");
    CHECK(octet_tool({"run", out, w.images[0]}).code == 0);
  }
}

TEST_CASE("scales that were saved give the same model as the calibration that found them") {
  const Workplace w;
  const std::string in = write_uncalibrated(w, true);
  REQUIRE(octet_tool({"convert", in, "-o", w.path("a.octet"), "--calibrate", w.path("."),
                      "--save-scales", w.path("scales.json")})
              .code == 0);
  const Outcome second =
      octet_tool({"convert", in, "-o", w.path("b.octet"), "--scales", w.path("scales.json")});
  INFO(second.err);
  REQUIRE(second.code == 0);
  CHECK(contents_of(w.path("a.octet")) == contents_of(w.path("b.octet")));
}

TEST_CASE("a conversion that fails, or has no scales, leaves the scales that are there") {
  const Workplace w;
  const std::string in = write_uncalibrated(w, true);
  const std::string scales = w.path("good.json");
  const std::string good = "{\"image\": {\"scale\": 0.5, \"zero_point\": 3}}\n";
  const std::string out = w.path("none.octet");
  const auto fails = [&](const std::vector<std::string>& more, const std::string& part,
                         const std::string& to) {
    INFO(part);
    for (const bool there : {true, false}) {
      std::filesystem::remove(scales);
      if (there) w.folder.write("good.json", good);
      std::vector<std::string> arguments = {"convert", in, "-o", to, "--save-scales", scales};
      arguments.insert(arguments.end(), more.begin(), more.end());
      check_failed(octet_tool(arguments), part);
      CHECK(std::filesystem::exists(scales) == there);
      if (there) CHECK(contents_of(scales) == good);
    }
    CHECK_FALSE(std::filesystem::exists(out));
  };
  const std::string folder = w.path(".");
  fails({}, "no scales to save", out);
  fails({"--float"}, "no scales to save", out);
  // Errors that come after the scales are known:
  fails({"--calibrate", folder, "--keep-float", "nobody"}, "nobody", out);
  fails({"--calibrate", folder}, "absent", w.path("absent/none.octet"));
  fails({"--calibrate", folder}, "/dev/full", "/dev/full");
}

TEST_CASE("convert --float: --calibrate without --save-scales is left out, and said") {
  const Workplace w;
  const std::string in = write_uncalibrated(w, true);
  const auto convert = [&](const std::string& out, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"convert", in, "-o", w.path(out), "--float"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = octet_tool(arguments);
    INFO(outcome.err);
    CHECK(outcome.code == 0);
    return outcome.err;
  };
  const std::string folder = w.path(".");
  const std::string left_out = "--calibrate is left out";
  CHECK_FALSE(contains(convert("a.octet", {}), left_out));
  CHECK(contains(convert("b.octet", {"--calibrate", folder}), left_out));
  CHECK_FALSE(
      contains(convert("c.octet", {"--calibrate", folder, "--save-scales", w.path("scales.json")}),
               left_out));
  CHECK(contains(contents_of(w.path("scales.json")), "\"image\""));
  CHECK(contents_of(w.path("a.octet")) == contents_of(w.path("b.octet")));
  CHECK(contents_of(w.path("a.octet")) == contents_of(w.path("c.octet")));
}

TEST_CASE("--max-bad is a number of percent") {
  const Workplace w;
  const std::string in = write_uncalibrated(w, true);
  for (const char* share : {"nan", "-nan", "-1", "100.5", "inf", "many", ""}) {
    INFO(share);
    const Outcome convert = octet_tool(
        {"convert", in, "-o", w.path("a.octet"), "--calibrate", w.path("."), "--max-bad", share});
    const Outcome eval = octet_tool({"eval", w.classifier, w.path("."), "--max-bad", share});
    for (const Outcome* outcome : {&convert, &eval}) {
      INFO(outcome->err);
      CHECK(outcome->code == 2);
      CHECK(contains(outcome->err, "--max-bad"));
    }
  }
  CHECK_FALSE(std::filesystem::exists(w.path("a.octet")));
}

TEST_CASE("a preset of preprocessing is kept in the model") {
  const Workplace w;
  const std::string in = write_uncalibrated(w, false);
  const std::string out = w.path("preset.octet");
  check_failed(octet_tool({"convert", in, "-o", out, "--calibrate", w.path(".")}),
               "--preprocess with a preset");
  for (const char* preset : {"imagenet-torch", "imagenet-tf", "zero-one"}) {
    const Outcome outcome =
        octet_tool({"convert", in, "-o", out, "--calibrate", w.path("."), "--preprocess", preset});
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK(octet_tool({"run", out, w.images[0]}).code == 0);
  }
}

TEST_CASE("calibration: what is wrong is said, and nothing is written") {
  const Workplace w;
  const std::string in = write_uncalibrated(w, true);
  const std::string bare = write_uncalibrated(w, false);
  const std::string out = w.path("none.octet");
  check_failed(octet_tool({"convert", in, "-o", out, "--calibrate", w.path("absent")}), "absent");
  check_wrong_usage(
      octet_tool({"convert", in, "-o", out, "--calibrate", w.path("."), "--calibrator", "best"}),
      "best");
  check_wrong_usage(octet_tool({"convert", in, "-o", out, "--calibrate", w.path("."),
                                "--calibration-limit", "0"}),
                    "whole number");
  check_failed(octet_tool({"convert", in, "-o", out, "--preprocess", "zero-one"}),
               "leave --preprocess out");
  check_failed(octet_tool({"convert", bare, "-o", out, "--preprocess", "imagenet"}),
               "neither a preset");
  const auto with = [&](const std::string& preprocess) {
    return octet_tool({"convert", bare, "-o", out, "--preprocess", preprocess});
  };
  check_failed(with(R"({"size": [9, 9]})"),
               "--preprocess: 'resize', 'channels', 'mean' and 'std' are missing");
  check_failed(with(R"({"resize": "crop", "channels": "rgb", "mean": [1, 1, 1]})"),
               "--preprocess: 'std' is missing");
  check_failed(with(R"({"resize": "crop", "channels": "rgb", "mean": [1], "std": [1, 1, 1]})"),
               "--preprocess: 'mean' has 1 values and 'std' has 3; 'rgb' needs 3 in each");
  check_failed(with(R"({"resize": "crop", "channels": "rgb", "mean": [1, 1, 1],
                        "std": [1, -1, 1]})"),
               "--preprocess: a 'std' is below 0");
  check_failed(octet_tool({"convert", w.path("classifier.safetensors"), "-o", out, "--calibrate",
                           w.path(".")}),
               "scales of its own");
  w.folder.write("damaged.json", "{\"image\": {\"scale\": -1, \"zero_point\": 3}}");
  check_failed(octet_tool({"convert", in, "-o", out, "--scales", w.path("damaged.json")}),
               "'image' needs a 'scale' above 0");
  w.folder.write("other.json", "{\"nobody\": {\"scale\": 1, \"zero_point\": 3}}");
  check_failed(octet_tool({"convert", in, "-o", out, "--scales", w.path("other.json")}),
               "no activation 'nobody'");
  w.folder.write("few.json", "{\"image\": {\"scale\": 1, \"zero_point\": 3}}");
  check_failed(octet_tool({"convert", in, "-o", out, "--scales", w.path("few.json")}),
               "no scale for tensor");
  CHECK_FALSE(std::filesystem::exists(out));
}

TEST_CASE("convert names outputs that int8 arithmetic computes, and how to have them in float") {
  const Workplace w;
  SampleExport sample = sample_classifier();
  sample.graph.erase("task");
  sample.graph.erase("labels");
  const std::string scores = sample.graph["outputs"][0];
  sample.graph["tensors"]["twice"] = sample.graph["tensors"][scores];
  sample.graph["tensors"]["twice"]["scale"] = 0.25;
  sample.graph["tensors"]["twice"]["zero_point"] = 128;
  sample.graph["tensors"][scores]["scale"] = 0.125;
  sample.graph["tensors"][scores]["zero_point"] = 128;
  sample.graph["nodes"].push_back(
      {{"name", "double"}, {"op", "add"}, {"inputs", {scores, scores}}, {"outputs", {"twice"}}});
  sample.graph["outputs"] = {"twice"};
  const std::string in = w.folder.write("sum.safetensors", sample.file());
  const Outcome coarse = octet_tool({"convert", in, "-o", w.path("a.octet")});
  INFO(coarse.out << coarse.err);
  REQUIRE(coarse.code == 0);
  CHECK(contains(coarse.out, "output twice: one of 256 values, 0.25 apart; --keep-float double"));
  const Outcome fine =
      octet_tool({"convert", in, "-o", w.path("b.octet"), "--keep-float", "double"});
  INFO(fine.out << fine.err);
  REQUIRE(fine.code == 0);
  CHECK_FALSE(contains(fine.out, "256 values"));
}

namespace {

// A TFLite model: RELU of one float input.
std::string write_relu(const Workplace& w, const std::vector<int32_t>& shape) {
  TfliteMaker m;
  m.inputs = {m.activation("x", shape)};
  m.outputs = {m.activation("y", shape)};
  return w.folder.write("relu.tflite",
                        m.node(tflite::BuiltinOperator::RELU, {0}, m.outputs).file());
}

}  // namespace

TEST_CASE(
    "calibration of a model whose input is no picture of three channels: what to do is said") {
  const Workplace w;
  const auto calibrated = [&](const std::vector<int32_t>& shape, const std::string& preprocess) {
    std::vector<std::string> arguments = {"convert",         write_relu(w, shape), "-o",
                                          w.path("r.octet"), "--calibrate",        w.path(".")};
    if (!preprocess.empty()) arguments.insert(arguments.end(), {"--preprocess", preprocess});
    return octet_tool(arguments);
  };
  const std::string gray =
      R"({"resize": "stretch", "channels": "gray", "mean": [0], "std": [255]})";
  for (const auto& shape : {std::vector<int32_t>{1, 40}, {2, 76, 32, 1}, {1, 8, 8, 4}}) {
    check_failed(calibrated(shape, ""), "no picture of one or three channels");
    check_failed(calibrated(shape, ""), "--scales FILE");
    check_failed(calibrated(shape, ""), "calibration=...");
  }
  check_failed(calibrated({1, 40}, "zero-one"), "--scales FILE");
  check_failed(calibrated({1, 76, 32, 1}, ""), "--preprocess '" + gray + "'");
  check_failed(calibrated({1, 76, 32, 1}, ""), "--scales FILE");
  check_failed(calibrated({1, 28, 28, 1}, "zero-one"), "a gray one is '" + gray + "'");
  const Outcome outcome = calibrated({1, 28, 28, 1}, gray);
  INFO(outcome.err);
  CHECK(outcome.code == 0);
}

TEST_CASE(
    "a file of scales has the names that the model's file has, and is taken as it was saved") {
  const Workplace w;
  OnnxMaker m;
  m.input("x", {1, 3, 8, 8}).output("answer").floats("w", {2, 3, 1, 1}, {1, 2, 3, -1, -2, 3});
  m.node("Conv", {"x", "w"}, {"answer"});
  const std::string in = w.folder.write("conv.onnx", m.file());
  REQUIRE(octet_tool({"convert", in, "-o", w.path("a.octet"), "--calibrate", w.path("."),
                      "--preprocess", "zero-one", "--save-scales", w.path("scales.json")})
              .code == 0);
  const std::string scales = contents_of(w.path("scales.json"));
  INFO(scales);
  CHECK(contains(scales, "\"answer\""));
  CHECK_FALSE(contains(scales, ".stored"));
  const Outcome again = octet_tool({"convert", in, "-o", w.path("b.octet"), "--preprocess",
                                    "zero-one", "--scales", w.path("scales.json")});
  INFO(again.err);
  REQUIRE(again.code == 0);
  CHECK(contents_of(w.path("a.octet")) == contents_of(w.path("b.octet")));
}

TEST_CASE("convert --calibrate warns of few images, with the remedy, and converts all the same") {
  const Workplace w;
  const std::string in = write_uncalibrated(w, true);
  const Outcome outcome =
      octet_tool({"convert", in, "-o", w.path("few.octet"), "--calibrate", w.path(".")});
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.err, "float.safetensors: calibrated with "));
  CHECK(contains(outcome.err, "give some tens of typical ones"));
}

TEST_CASE("a preprocessing that the input's scale does not suit is warned of") {
  const Workplace w;
  const std::string in = write_uncalibrated(w, false);
  const std::string scales = w.path("scales.json");
  REQUIRE(octet_tool({"convert", in, "-o", w.path("a.octet"), "--calibrate", w.path("."),
                      "--preprocess", "imagenet-torch", "--save-scales", scales})
              .code == 0);
  const auto warned = [&](const std::string& preprocess) {
    const Outcome outcome = octet_tool(
        {"convert", in, "-o", w.path("b.octet"), "--scales", scales, "--preprocess", preprocess});
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    return contains(outcome.err, "of its levels lie outside of the range") &&
           contains(outcome.err, "give the mean and std of training");
  };
  CHECK_FALSE(warned("imagenet-torch"));
  CHECK(warned(R"({"resize": "stretch", "channels": "rgb", "mean": [0, 0, 0], "std": [1, 1, 1]})"));
}
