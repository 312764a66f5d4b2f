// Scales for a float graph, from images or from a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "tools/write_file.h"

namespace octet::tool {

struct CalibrationOptions {
  std::string folder;              ///< Images, in it or in folders below it.
  std::string calibrator = "mse";  ///< One of graph::calibrator_names().
  std::size_t limit = 0;           ///< Most images to take, evenly spaced; 0: all.
  double max_bad_percent = 1;      ///< Most images that may be unreadable, in percent.
  bool exif_rotate = true;
  std::string rounding = "least-squares";  ///< Of weights: that, or "nearest".
  std::string scales;                      ///< A file to read scales from instead.
  std::string save_scales;                 ///< A file to write them to.
};

/// --preprocess: a preset (loaders::preprocess_presets()), or the JSON object of
/// docs/float_export.md, whose size may be left out: it is then that of the model's input. It is
/// kept in the graph. Errors: `text` is neither; it does not suit the graph's first input; the
/// graph has a preprocessing already.
Expected<void> set_preprocess(graph::Graph& graph, const std::string& text);

/// The images of a calibration, as a model's input. Those that cannot be read are left out.
class CalibrationImages {
 public:
  /// `paths` are in `options.folder`, which both have to outlive this object.
  CalibrationImages(const CalibrationOptions& options, const std::vector<std::string>& paths)
      : options_(options), paths_(paths), pixels_(paths.size()) {}

  /// Calls use(values) for each image, with a progress bar. Errors: those of `use`, with the
  /// image's name; too many images cannot be read.
  using Use = std::function<Expected<void>(const std::vector<std::vector<float>>& values)>;
  Expected<void> for_each(const Preprocess& preprocess, const std::string& what, const Use& use);

  std::size_t count() const { return paths_.size(); }

 private:
  const CalibrationOptions& options_;
  const std::vector<std::string>& paths_;
  /// What was read, for the next pass, as long as it is not too much.
  std::vector<std::vector<uint8_t>> pixels_;
  std::size_t kept_ = 0;  ///< Bytes in `pixels_`.
};

/// Runs the float model on the images and gives the graph its scales. Returns sentences for the
/// user about single tensors; warnings about the whole go to Graph::remarks. Errors: too many
/// images cannot be read; no preprocessing; the graph has scales already.
Expected<std::vector<std::string>> calibrate(graph::Graph& graph, const CalibrationOptions& options,
                                             CalibrationImages& images);

/// Rounds the weights of a graph that `lower` made, with regard to what its layers read of the
/// images. Errors: too many images cannot be read.
Expected<void> round_weights(graph::Graph& lowered, CalibrationImages& images);

/// A warning if most values that the preprocessing can give an input lie outside of the range of
/// the input's scale: the scale was then found on inputs that were prepared in another way. Empty
/// otherwise.
std::string preprocess_warning(const graph::Graph& graph);

/// Scales of activations by tensor name, as JSON: {"TENSOR": {"scale": 0.02, "zero_point": 128}}.
/// Error: no activation has one.
Expected<std::string> scales_text(const graph::Graph& graph);
/// A file of such text.
extern const FileKind scales_kind;
/// Takes the scales from such a file. Errors: the file is no such JSON; it names a tensor that the
/// graph does not have; it leaves out an activation.
Expected<void> read_scales(graph::Graph& graph, const std::string& path);

}  // namespace octet::tool
