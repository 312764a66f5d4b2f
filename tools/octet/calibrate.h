// Scales for a float graph, from images or from a file.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace octet::tool {

struct CalibrationOptions {
  std::string folder;              ///< Images, in it or in folders below it.
  std::string calibrator = "mse";  ///< One of graph::calibrator_names().
  std::size_t limit = 0;           ///< Of images, evenly spaced; 0: all.
  std::string scales;              ///< A file to read scales from instead.
  std::string save_scales;         ///< A file to write them to.
};

/// --preprocess: a preset (preprocess_presets()), or the JSON object of docs/float_export.md, whose
/// size may be left out: the model's input says it. Kept in the graph. Errors: neither; it does not
/// suit the graph's first input; the graph has one of its own.
Expected<void> set_preprocess(graph::Graph& graph, const std::string& text);
const std::vector<std::string>& preprocess_presets();

/// Runs the float model on the images and gives the graph its scales. -> sentences for the user.
/// Errors: no images, an image that cannot be read, no preprocessing, a graph with scales of its
/// own.
Expected<std::vector<std::string>> calibrate(graph::Graph& graph,
                                             const CalibrationOptions& options);

/// Scales of activations by tensor name, as JSON: {"TENSOR": {"scale": 0.02, "zero_point": 128}}.
Expected<void> write_scales(const graph::Graph& graph, const std::string& path);
/// Errors: not such JSON; a name that the graph has not; an activation that it does not name.
Expected<void> read_scales(graph::Graph& graph, const std::string& path);

}  // namespace octet::tool
