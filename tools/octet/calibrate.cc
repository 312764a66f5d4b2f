#include "tools/octet/calibrate.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "graph/calibration/calibration.h"
#include "loaders/preprocess.h"
#include "tools/image/image.h"
#include "tools/octet/dataset.h"
#include "tools/octet/progress.h"

namespace octet::tool {
namespace {

using json = nlohmann::json;

const std::map<std::string, json>& presets() {
  static const std::map<std::string, json> all = {
      {"imagenet-torch",
       {{"resize", "crop"},
        {"channels", "rgb"},
        {"mean", {123.675, 116.28, 103.53}},
        {"std", {58.395, 57.12, 57.375}}}},
      {"imagenet-tf",
       {{"resize", "crop"},
        {"channels", "rgb"},
        {"mean", {127.5, 127.5, 127.5}},
        {"std", {127.5, 127.5, 127.5}}}},
      {"zero-one",
       {{"resize", "stretch"}, {"channels", "rgb"}, {"mean", {0, 0, 0}}, {"std", {255, 255, 255}}}},
  };
  return all;
}

std::string input_text(const graph::Graph& graph) {
  const graph::Tensor& input = graph.tensor(graph.inputs[0]);
  return "input '" + input.name + "' of " + shape_text(input.shape);
}

// Pixels as the model's first input: [1, height, width, channels].
std::vector<float> normalized(const std::vector<uint8_t>& pixels, const Preprocess& preprocess) {
  const std::size_t channels = preprocess.mean.size();
  std::vector<float> values(pixels.size());
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    values[i] = (static_cast<float>(pixels[i]) - preprocess.mean[i % channels]) /
                preprocess.std[i % channels];
  }
  return values;
}

Expected<void> check_images_can_be_taken(const graph::Graph& graph) {
  if (graph.inputs.size() != 1) {
    return fail(graph.name + ": the model has " + std::to_string(graph.inputs.size()) +
                " inputs; images calibrate models of one (give --scales FILE)");
  }
  if (!graph.preprocess) {
    return fail(graph.name + ": the file does not say how an image becomes its " +
                input_text(graph) +
                ": give --preprocess with a preset (imagenet-torch, imagenet-tf, zero-one) or JSON "
                "(docs/calibration.md)");
  }
  const bool has_scales = std::ranges::any_of(graph.tensors, [](const graph::Tensor& tensor) {
    return !tensor.is_constant() && tensor.quantization;
  });
  if (has_scales) {
    return fail(graph.name +
                ": the file has scales of its own, and nothing is calibrated again: convert it "
                "without --calibrate, or with --forget-scales as well");
  }
  return {};
}

}  // namespace

const std::vector<std::string>& preprocess_presets() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const auto& [name, preset] : presets()) list.push_back(name);
    return list;
  }();
  return names;
}

Expected<void> set_preprocess(graph::Graph& graph, const std::string& text) {
  const graph::Tensor& input = graph.tensor(graph.inputs[0]);
  if (graph.preprocess && !graph.preprocess_is_usual) {
    return fail(graph.name +
                ": the file says itself how an image becomes its input: leave --preprocess out");
  }
  if (input.shape.size() != 4 || input.shape[0] != 1) {
    return fail(graph.name + ": --preprocess makes one image, which the " + input_text(graph) +
                " does not take");
  }
  json object;
  if (const auto preset = presets().find(text); preset != presets().end()) {
    object = preset->second;
  } else {
    object = json::parse(text, nullptr, false);
    if (!object.is_object()) {
      return fail("--preprocess '" + text +
                  "': neither a preset (imagenet-torch, imagenet-tf, zero-one) nor a JSON object");
    }
  }
  if (!object.contains("size")) object["size"] = {input.shape[1], input.shape[2]};
  auto preprocess = loaders::parse_preprocess(object.dump());
  if (!preprocess) return tl::unexpected(preprocess.error());
  const Shape image = {1, preprocess->height, preprocess->width,
                       static_cast<int32_t>(preprocess->mean.size())};
  if (image != input.shape) {
    return fail(graph.name + ": --preprocess gives an image of " + shape_text(image) +
                ", which the " + input_text(graph) + " does not take");
  }
  graph.preprocess = std::move(*preprocess);
  return {};
}

Expected<std::vector<std::string>> calibrate(graph::Graph& graph,
                                             const CalibrationOptions& options) {
  const auto calibrator = graph::parse_calibrator(options.calibrator);
  if (!calibrator) return fail("no calibrator '" + options.calibrator + "'");
  if (auto ok = check_images_can_be_taken(graph); !ok) return tl::unexpected(ok.error());
  const auto images = list_images(options.folder, options.limit);
  if (!images) return tl::unexpected(images.error());
  auto calibration = graph::Calibration::create(graph, SessionOptions{}.threads);
  if (!calibration) return tl::unexpected(calibration.error());
  Progress progress("calibrating", images->size());
  for (const std::string& path : *images) {
    const auto image = image::read_image(path);
    if (!image) return tl::unexpected(image.error());
    const image::Prepared prepared = image::prepare(*image, *graph.preprocess);
    if (auto ok = calibration->observe({normalized(prepared.pixels, *graph.preprocess)}); !ok) {
      return tl::unexpected(ok.error());
    }
    progress.advance();
  }
  return calibration->apply(graph, *calibrator);
}

}  // namespace octet::tool
