// Scales for a float graph, from images or from a file.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "tools/write_file.h"

namespace octet::tool {

struct CalibrationOptions {
  std::string folder;              ///< Images, in it or in folders below it.
  std::string calibrator = "mse";  ///< One of graph::calibrator_names().
  std::size_t limit = 0;           ///< Of images, evenly spaced; 0: all.
  double max_bad_percent = 1;      ///< So many of the images may be unreadable.
  bool exif_rotate = true;
  std::string scales;       ///< A file to read scales from instead.
  std::string save_scales;  ///< A file to write them to.
};

/// --preprocess: a preset (loaders::preprocess_presets()), or the JSON object of
/// docs/float_export.md, whose size may be left out: the model's input says it. Kept in the graph.
/// Errors: neither; it does not suit the graph's first input; the graph has one of its own.
Expected<void> set_preprocess(graph::Graph& graph, const std::string& text);

/// Runs the float model on `images`, paths in `options.folder`, and gives the graph its scales.
/// -> sentences for the user. Errors: too many that cannot be read, no preprocessing, a graph with
/// scales of its own.
Expected<std::vector<std::string>> calibrate(graph::Graph& graph, const CalibrationOptions& options,
                                             const std::vector<std::string>& images);

/// Scales of activations by tensor name, as JSON: {"TENSOR": {"scale": 0.02, "zero_point": 128}}.
/// Error: no activation has one.
Expected<std::string> scales_text(const graph::Graph& graph);
/// A file of such text.
extern const FileKind scales_kind;
/// Takes the scales from such a file. Errors: not such JSON; a name that the graph has not; an
/// activation that it does not name.
Expected<void> read_scales(graph::Graph& graph, const std::string& path);

}  // namespace octet::tool
