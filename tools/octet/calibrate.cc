#include "tools/octet/calibrate.h"

#include <algorithm>
#include <new>

#include "graph/calibration/calibration.h"
#include "graph/rounding/weight_rounding.h"
#include "loaders/preprocess.h"
#include "tools/image/image.h"
#include "tools/octet/bad_images.h"
#include "tools/octet/progress.h"

namespace octet::tool {
namespace {

std::string input_text(const graph::Graph& graph) {
  const graph::Tensor& input = graph.tensor(graph.inputs[0]);
  return "input '" + input.name + "' of " + shape_text(input.shape);
}

float normalized_level(int level, const Preprocess& preprocess, std::size_t channel) {
  return (static_cast<float>(level) - preprocess.mean[channel]) / preprocess.std[channel];
}

// Pixels as the model's first input: [1, height, width, channels].
std::vector<float> normalized(const std::vector<uint8_t>& pixels, const Preprocess& preprocess) {
  const std::size_t channels = preprocess.mean.size();
  std::vector<float> values(pixels.size());
  for (std::size_t i = 0; i < pixels.size(); ++i)
    values[i] = normalized_level(pixels[i], preprocess, i % channels);
  return values;
}

Expected<std::vector<uint8_t>> input_pixels(const std::string& path,
                                            const image::ReadOptions& read) {
  const auto image = image::read_image(path, read);
  if (!image) return tl::unexpected(image.error());
  try {
    return image::prepare(*image, *read.made_into).pixels;
  } catch (const std::bad_alloc&) {
    return fail(path + ": not enough memory for this picture's pixels");
  }
}

bool is_picture(const Shape& shape, int32_t channels) {
  return shape.size() == 4 && shape[0] == 1 && shape[3] == channels;
}

constexpr const char* gray_json =
    R"('{"resize": "stretch", "channels": "gray", "mean": [0], "std": [255]}')";

constexpr const char* without_pictures =
    "give its scales with --scales FILE (JSON by tensor name, docs/calibration.md), or export the "
    "model calibrated on arrays (octet_export.export(..., calibration=...))";

/// Advice for a file that does not say how an image becomes the input.
std::string preprocess_remedy(const graph::Graph& graph) {
  const Shape& shape = graph.tensor(graph.inputs[0]).shape;
  if (is_picture(shape, 3)) {
    return "give --preprocess with a preset (" + loaders::preprocess_preset_names() +
           ") or JSON (docs/calibration.md)";
  }
  if (is_picture(shape, 1)) {
    return std::string("if it is a gray picture, give --preprocess ") + gray_json +
           " with its own mean and std; if it is none (a spectrogram, for one), " +
           without_pictures;
  }
  return std::string(
             "it is no picture of one or three channels, and images cannot calibrate it: ") +
         without_pictures;
}

Expected<void> check_images_can_be_taken(const graph::Graph& graph) {
  if (graph.inputs.size() != 1) {
    return fail(graph.name + ": the model has " + std::to_string(graph.inputs.size()) +
                " inputs; images calibrate models of one (give --scales FILE)");
  }
  if (!graph.preprocess) {
    return fail(graph.name + ": the file does not say how an image becomes its " +
                input_text(graph) + ": " + preprocess_remedy(graph));
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

Expected<void> set_preprocess(graph::Graph& graph, const std::string& text) {
  const graph::Tensor& input = graph.tensor(graph.inputs[0]);
  if (graph.preprocess && !graph.preprocess_is_usual) {
    return fail(graph.name +
                ": the file says itself how an image becomes its input: leave --preprocess out");
  }
  if (input.shape.size() != 4 || input.shape[0] != 1) {
    return fail(graph.name + ": --preprocess makes one image, which the " + input_text(graph) +
                " does not take" +
                (graph.inputs.size() == 1 ? std::string(": ") + without_pictures : ""));
  }
  auto preprocess = loaders::parse_preprocess(text, input.shape);
  if (!preprocess) return tl::unexpected(preprocess.error());
  const Shape image = {1, preprocess->height, preprocess->width,
                       static_cast<int32_t>(preprocess->mean.size())};
  if (image != input.shape) {
    std::string remedy;
    if (is_picture(input.shape, 1) && image[3] != 1) {
      remedy = std::string(": a gray one is ") + gray_json;
    } else if (!is_picture(input.shape, 3)) {
      remedy = " (both with channels last): " + preprocess_remedy(graph);
    }
    return fail(graph.name + ": --preprocess gives an image of " + shape_text(image) +
                ", which the " + input_text(graph) + " does not take" + remedy);
  }
  graph.preprocess = std::move(*preprocess);
  return {};
}

Expected<void> CalibrationImages::for_each(const Preprocess& preprocess, const std::string& what,
                                           const Use& use) {
  constexpr std::size_t most_kept = std::size_t{256} << 20;
  const image::ReadOptions read = {.exif_rotate = options_.exif_rotate, .made_into = &preprocess};
  BadImages bad;
  {
    Progress progress(what, paths_.size());
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      std::vector<uint8_t>& kept = pixels_[i];
      auto pixels = kept.empty() ? input_pixels(paths_[i], read) : kept;
      if (pixels) {
        if (auto ok = use({normalized(*pixels, preprocess)}); !ok)
          return fail(what + " with " + paths_[i] + ": " + ok.error().message);
        if (kept.empty() && kept_ + pixels->size() <= most_kept) {
          kept_ += pixels->size();
          kept = std::move(*pixels);
        }
      } else {
        bad.add(paths_[i], pixels.error().message);
      }
      progress.advance();
    }
  }
  return bad.finish(options_.folder, paths_.size(), options_.max_bad_percent);
}

Expected<void> round_weights(graph::Graph& lowered, CalibrationImages& images) {
  auto rounding = graph::WeightRounding::create(lowered, images.count(), SessionOptions{}.threads);
  if (!rounding) return tl::unexpected(rounding.error());
  const auto observe = [&](const std::vector<std::vector<float>>& values) {
    return rounding->observe(values);
  };
  while (!rounding->done()) {
    if (auto ok = images.for_each(*lowered.preprocess, "rounding weights", observe); !ok) return ok;
    rounding->finish_pass(lowered);
  }
  return {};
}

Expected<std::vector<std::string>> calibrate(graph::Graph& graph, const CalibrationOptions& options,
                                             CalibrationImages& images) {
  const auto calibrator = graph::parse_calibrator(options.calibrator);
  if (!calibrator) return fail("no calibrator '" + options.calibrator + "'");
  if (auto ok = check_images_can_be_taken(graph); !ok) return tl::unexpected(ok.error());
  auto calibration = graph::Calibration::create(graph, SessionOptions{}.threads);
  if (!calibration) return tl::unexpected(calibration.error());
  const auto observe = [&](const std::vector<std::vector<float>>& values) {
    return calibration->observe(values);
  };
  if (auto ok = images.for_each(*graph.preprocess, "calibrating", observe); !ok)
    return tl::unexpected(ok.error());
  // These are printed if the conversion succeeds.
  for (std::string& warning : calibration->warnings(graph))
    graph.remarks.push_back(std::move(warning));
  return calibration->apply(graph, *calibrator);
}

std::string preprocess_warning(const graph::Graph& graph) {
  const graph::Tensor& input = graph.tensor(graph.inputs[0]);
  if (!graph.preprocess || !input.quantization) return "";
  const Preprocess& p = *graph.preprocess;
  const auto [scale, zero_point] = *input.quantization;
  // Half a step beyond the ends is still rounded to them.
  const float lowest = scale * (static_cast<float>(0 - zero_point) - 0.5F);
  const float highest = scale * (static_cast<float>(255 - zero_point) + 0.5F);
  constexpr int levels = 256;
  int outside = 0;
  float low = 0;
  float high = 0;
  for (std::size_t c = 0; c < p.mean.size(); ++c) {
    for (int level = 0; level < levels; ++level) {
      const float value = normalized_level(level, p, c);
      if (value < lowest || value > highest) ++outside;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  const int all = levels * static_cast<int>(p.mean.size());
  if (outside * 2 <= all) return "";
  return "the preprocessing makes values from " + graph::text_of(low) + " to " +
         graph::text_of(high) + ", and " + std::to_string(outside * 100 / all) +
         " % of its levels lie outside of the range " +
         graph::text_of(scale * static_cast<float>(-zero_point)) + " to " +
         graph::text_of(scale * static_cast<float>(255 - zero_point)) + " of the input '" +
         input.name +
         "': give the mean and std of training, or find the scales again on images that are "
         "prepared in this way";
}

}  // namespace octet::tool
