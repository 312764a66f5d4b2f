// The inputs of the model: their shapes, and how pixels become bytes.
#pragma once

#include "loaders/load_options.h"
#include "loaders/tflite/builder.h"

namespace octet::loaders::tflite {

/// Whether the model will have the shapes in the file. It will not if an extent is open or given by
/// the user: then the file's shapes are examples.
bool shapes_hold(const ModelFile& file, const LoadOptions& options);

/// Adds the inputs that are read according to `readers`, and a remark for each of the others.
/// Throws LoadError for open extents that --shape does not give, and for types that inputs cannot
/// have.
void add_inputs(const ModelFile& file, const std::vector<int>& readers, const LoadOptions& options,
                Builder& builder);

/// The preprocessing for an input of unsigned bytes, which takes the pixels of an image as they
/// are. Nothing for other inputs.
std::optional<Preprocess> pixels_as_they_are(const graph::Graph& graph, const ModelFile& file);

}  // namespace octet::loaders::tflite
