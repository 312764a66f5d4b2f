#include "tools/octet/convert.h"

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
#include "tools/octet/dataset.h"
#include "tools/octet/describe.h"
#include "tools/octet/progress.h"
#include "tools/octet/summary.h"
#include "tools/write_file.h"

namespace octet::tool {
namespace {

struct Files {
  FilesInUse in_use;
  std::vector<std::string> images;  ///< Images to calibrate on.
};

WriteRules model_rules(const ConvertOptions& options, const Files& files) {
  return {.in_use = &files.in_use, .kind = &octet_model_kind, .force = options.force};
}

WriteRules scales_rules(const ConvertOptions& options, const Files& files) {
  return {.in_use = &files.in_use, .kind = &scales_kind, .force = options.force};
}

/// Whether calibration changes anything that is written. A model in float has no scales.
bool uses_calibration(const ConvertOptions& options) {
  return !options.calibration.folder.empty() &&
         (!options.float_only || !options.calibration.save_scales.empty());
}

/// Adds what the file leaves open and the user gives: preprocessing, task, labels, and scales.
Expected<void> complete(graph::Graph& graph, const ConvertOptions& options,
                        CalibrationImages& images) {
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
    const auto remarks = calibrate(graph, calibration, images);
    if (!remarks) return tl::unexpected(remarks.error());
    for (const std::string& remark : *remarks) std::cerr << "warning: " << remark << "\n";
  }
  if (calibration.scales.empty()) return {};
  return read_scales(graph, calibration.scales);
}

struct Converted {
  Model model;
  std::vector<std::string> remarks;  ///< From the loader.
  bool file_has_scales = false;      ///< Roundings are the author's.
};

/// Notes the files that are read. Refuses to write over them, or over a file of another kind.
Expected<Files> check_files(const ConvertOptions& options) {
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
Expected<Converted> make_model(const ConvertOptions& options) {
  const auto files = check_files(options);
  if (!files) return tl::unexpected(files.error());
  loaders::LoadOptions load_options;
  for (const std::string& shape : options.shapes) {
    if (auto ok = loaders::add_shape_option(shape, load_options); !ok)
      return tl::unexpected(ok.error());
  }
  const std::vector<std::string> stages = {"reading", "fusing and quantizing", "checking",
                                           "writing"};
  // Calibration has a progress bar of its own.
  const bool calibrates = uses_calibration(options);
  std::optional<StagedProgress> progress;
  if (!calibrates) progress.emplace("converting", stages);
  auto graph = loaders::load(options.input, load_options);
  if (!graph) return tl::unexpected(graph.error());
  CalibrationImages images(options.calibration, files->images);
  if (auto ok = complete(*graph, options, images); !ok) return tl::unexpected(ok.error());
  // The scales are taken before the passes change the graph, so that those that were chosen are
  // saved.
  std::string scales;
  if (!options.calibration.save_scales.empty()) {
    auto text = scales_text(*graph);
    if (!text) return fail(options.input + ": " + text.error().message);
    scales = std::move(*text);
  }
  std::vector<std::string> remarks = std::move(graph->remarks);
  if (std::string unlike = preprocess_warning(*graph); !options.float_only && !unlike.empty())
    remarks.push_back(std::move(unlike));
  const bool file_has_scales = graph->unscaled_is_float;
  if (progress) progress->advance();
  auto lowered = graph::lower(std::move(*graph), {.float_only = options.float_only,
                                                  .tables = options.tables,
                                                  .keep_float = options.keep_float});
  if (!lowered) return tl::unexpected(lowered.error());
  if (calibrates && !options.float_only && options.calibration.rounding == "least-squares") {
    if (auto ok = round_weights(*lowered, images); !ok) return tl::unexpected(ok.error());
  }
  if (calibrates) {
    progress.emplace("converting", stages);
    progress->advance();
  }
  const auto bytes = graph::finish_model(std::move(*lowered));
  if (!bytes) return tl::unexpected(bytes.error());
  progress->advance();
  // A model that the engine would refuse is not written.
  auto model = Model::from_memory(*bytes, options.input);
  if (!model) return tl::unexpected(model.error());
  progress->advance();
  if (auto ok = write_file(options.output, *bytes, model_rules(options, *files)); !ok)
    return tl::unexpected(ok.error());
  // Scales are written last, so that a conversion that fails leaves an existing file of scales
  // alone.
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

}  // namespace

Expected<int> convert(const ConvertOptions& options) {
  if (!options.calibration.folder.empty() && !uses_calibration(options)) {
    std::cerr << "warning: --calibrate is left out: a model in float (--float) has no scales, and "
                 "none are saved (--save-scales)\n";
  }
  const auto converted = make_model(options);
  if (!converted) return tl::unexpected(converted.error());
  // Remarks are printed now that the progress bar is gone.
  for (const std::string& remark : converted->remarks)
    std::cerr << "warning: " << options.input << ": " << remark << "\n";
  print_summary(std::cout, converted->model, options.output, converted->file_has_scales);
  return succeeded;
}

}  // namespace octet::tool
