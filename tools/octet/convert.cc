#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <span>

#include "graph/calibration/calibrators.h"
#include "graph/graph.h"
#include "loaders/loader.h"
#include "loaders/preprocess.h"
#include "tools/octet/bad_images.h"
#include "tools/octet/calibrate.h"
#include "tools/octet/commands.h"
#include "tools/octet/dataset.h"
#include "tools/octet/describe.h"
#include "tools/octet/progress.h"
#include "tools/octet/summary.h"
#include "tools/write_file.h"

namespace octet::tool {
namespace {

struct Options {
  std::string input;
  std::string output;
  bool float_only = false;
  std::vector<std::string> shapes;
  std::vector<std::string> keep_float;
  std::string preprocess;
  std::string task;
  std::string labels;
  bool forget_scales = false;
  bool force = false;
  CalibrationOptions calibration;
};

struct Files {
  FilesInUse in_use;
  std::vector<std::string> images;  ///< To calibrate on.
};

WriteRules model_rules(const Options& options, const Files& files) {
  return {.in_use = &files.in_use, .kind = &octet_model_kind, .force = options.force};
}

WriteRules scales_rules(const Options& options, const Files& files) {
  return {.in_use = &files.in_use, .kind = &scales_kind, .force = options.force};
}

/// Does calibration change anything that is written? A model in float has no scales.
bool uses_calibration(const Options& options) {
  return !options.calibration.folder.empty() &&
         (!options.float_only || !options.calibration.save_scales.empty());
}

/// What the file leaves open and the user says: preprocessing, task, labels, and scales.
Expected<void> complete(graph::Graph& graph, const Options& options, const Files& files) {
  if (options.forget_scales) {
    if (auto ok = graph::forget_scales(graph); !ok) return ok;
  }
  if (!options.preprocess.empty()) {
    if (auto ok = set_preprocess(graph, options.preprocess); !ok) return ok;
  }
  if (!options.task.empty()) {
    if (auto ok = set_task(graph, options.task); !ok) return ok;
  }
  if (!options.labels.empty()) {
    if (auto ok = set_labels(graph, options.labels); !ok) return ok;
  }
  const CalibrationOptions& calibration = options.calibration;
  if (uses_calibration(options)) {
    const auto remarks = calibrate(graph, calibration, files.images);
    if (!remarks) return tl::unexpected(remarks.error());
    for (const std::string& remark : *remarks) std::cerr << "warning: " << remark << "\n";
  }
  if (calibration.scales.empty()) return {};
  return read_scales(graph, calibration.scales);
}

struct Converted {
  Model model;
  std::vector<std::string> remarks;  ///< Of the loader.
  bool file_has_scales = false;      ///< Roundings are those of its author.
};

/// Notes what is read, and refuses what would be written onto it or onto something else.
Expected<Files> check_files(const Options& options) {
  const CalibrationOptions& calibration = options.calibration;
  Files files;
  if (!calibration.folder.empty()) {
    auto images = list_images(calibration.folder, calibration.limit);
    if (!images) return tl::unexpected(images.error());
    files.images = std::move(*images);
  }
  std::vector<std::string> read = files.images;
  read.insert(read.end(), {options.input, options.labels, calibration.scales});
  for (const std::string& path : read) {
    if (auto ok = files.in_use.add(path); !ok) return tl::unexpected(ok.error());
  }
  if (auto ok = check_target(options.output, model_rules(options, files)); !ok)
    return tl::unexpected(ok.error());
  if (calibration.save_scales.empty()) return files;
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::weakly_canonical(options.output, error) ==
      fs::weakly_canonical(calibration.save_scales, error)) {
    return fail(options.output + ": both --output and --save-scales would be written to it");
  }
  if (auto ok = check_target(calibration.save_scales, scales_rules(options, files)); !ok)
    return tl::unexpected(ok.error());
  return files;
}

/// Reads, completes, builds, checks and writes the model.
Expected<Converted> make_model(const Options& options) {
  const auto files = check_files(options);
  if (!files) return tl::unexpected(files.error());
  loaders::LoadOptions load_options;
  for (const std::string& shape : options.shapes) {
    if (auto ok = loaders::add_shape_option(shape, load_options); !ok)
      return tl::unexpected(ok.error());
  }
  const std::vector<std::string> stages = {"reading", "fusing and quantizing", "checking",
                                           "writing"};
  // Calibration has a bar of its own.
  const bool calibrates = uses_calibration(options);
  std::optional<StagedProgress> progress;
  if (!calibrates) progress.emplace("converting", stages);
  auto graph = loaders::load(options.input, load_options);
  if (!graph) return tl::unexpected(graph.error());
  if (auto ok = complete(*graph, options, *files); !ok) return tl::unexpected(ok.error());
  // The passes change the graph: what is saved is what was chosen.
  std::string scales;
  if (!options.calibration.save_scales.empty()) {
    auto text = scales_text(*graph);
    if (!text) return fail(options.input + ": " + text.error().message);
    scales = std::move(*text);
  }
  std::vector<std::string> remarks = std::move(graph->remarks);
  const bool file_has_scales = graph->unscaled_is_float;
  if (calibrates) progress.emplace("converting", stages);
  progress->advance();
  const auto bytes = graph::build_model(
      std::move(*graph), {.float_only = options.float_only, .keep_float = options.keep_float});
  if (!bytes) return tl::unexpected(bytes.error());
  progress->advance();
  // What the engine would refuse is not written.
  auto model = Model::from_memory(*bytes, options.input);
  if (!model) return tl::unexpected(model.error());
  progress->advance();
  if (auto ok = write_file(options.output, *bytes, model_rules(options, *files)); !ok)
    return tl::unexpected(ok.error());
  // Last of all: a conversion that fails leaves the scales that are there.
  if (!scales.empty()) {
    if (auto ok = write_file(options.calibration.save_scales, std::as_bytes(std::span(scales)),
                             scales_rules(options, *files));
        !ok) {
      return tl::unexpected(ok.error());
    }
  }
  return Converted{.model = std::move(*model),
                   .remarks = std::move(remarks),
                   .file_has_scales = file_has_scales};
}

Expected<int> convert(const Options& options) {
  if (!options.calibration.folder.empty() && !uses_calibration(options)) {
    std::cerr << "warning: --calibrate is left out: a model in float (--float) has no scales, and "
                 "none are saved (--save-scales)\n";
  }
  const auto converted = make_model(options);
  if (!converted) return tl::unexpected(converted.error());
  // Only now: the progress bar is gone.
  for (const std::string& remark : converted->remarks)
    std::cerr << "warning: " << options.input << ": " << remark << "\n";
  print_summary(std::cout, converted->model, options.output, converted->file_has_scales);
  return succeeded;
}

}  // namespace

Command add_convert(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("convert",
                                         "Make an .octet model of a float export (.safetensors "
                                         "made by tools/pytorch/octet_export.py), of an ONNX or "
                                         "of a TFLite model.\n"
                                         "Convolutions, batch norms, activations and residual adds "
                                         "are fused, weights quantized; what stays in float is "
                                         "listed with the reason.");
  command->add_option("IN", options->input, "The model to read")->required()->type_name("FILE");
  command->add_option("-o,--output", options->output, "The .octet file to write")
      ->required()
      ->type_name("OUT.octet");
  command->add_flag("--float", options->float_only,
                    "Keep everything in float: the baseline to compare with");
  command
      ->add_option("--shape", options->shapes,
                   "The shape of an input that the file leaves open, in the file's order of axes: "
                   "1,3,224,224, or NAME=1,3,224,224 for each of several inputs")
      ->allow_extra_args(false)
      ->type_name("SHAPE");
  command
      ->add_option("--keep-float", options->keep_float,
                   "Keep a node in float, or all nodes below a module: names as `octet inspect` "
                   "prints them; may be "
                   "given several times")
      ->allow_extra_args(false)  // else it takes IN for a name
      ->type_name("NAME");
  CLI::Option* calibrate =
      command
          ->add_option("--calibrate", options->calibration.folder,
                       "Choose the scales of int8 from images: typical ones, some hundred, in this "
                       "folder and below it")
          ->type_name("DIR");
  command
      ->add_option("--calibrator", options->calibration.calibrator,
                   "How ranges are chosen (docs/calibration.md)")
      ->check(CLI::IsMember(graph::calibrator_names()))
      ->needs(calibrate)
      ->capture_default_str();
  command
      ->add_option("--calibration-limit", options->calibration.limit,
                   "Take so many of the images, evenly spaced")
      ->check(whole_number_from(1))
      ->needs(calibrate)
      ->type_name("N");
  command
      ->add_option("--preprocess", options->preprocess,
                   "How an image becomes the input, where the file does not say: " +
                       loaders::preprocess_preset_names() +
                       ", or JSON (docs/calibration.md); kept in the model")
      ->type_name("PRESET|JSON");
  command
      ->add_option("--task", options->task,
                   "What the model answers, where the file does not say: classify, or JSON "
                   "(docs/float_export.md, \"task\"), for `octet run` and `octet eval`; kept in "
                   "the model")
      ->type_name("classify|JSON");
  command
      ->add_option("--labels", options->labels,
                   "The names of the classes, a line each in the order of the scores, where the "
                   "file has none; kept in the model, which is a classifier then")
      ->type_name("FILE");
  command->add_flag("--forget-scales", options->forget_scales,
                    "Take a quantized model as the float one that its bytes stand for: with "
                    "--calibrate or --scales, scales are chosen again");
  command
      ->add_option("--save-scales", options->calibration.save_scales,
                   "Write the scales of activations to a JSON file")
      ->type_name("FILE");
  command
      ->add_option("--scales", options->calibration.scales,
                   "Take the scales of activations from such a file")
      ->excludes(calibrate)
      ->type_name("FILE");
  add_max_bad_option(*command, options->calibration.max_bad_percent);
  add_exif_option(*command, options->calibration.exif_rotate);
  add_force_option(*command, options->force);
  return [options] { return convert(*options); };
}

}  // namespace octet::tool
