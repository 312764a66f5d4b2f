// The model's inputs: their shapes, and how pixels become bytes.
#pragma once

#include "loaders/load_options.h"
#include "loaders/tflite/builder.h"

namespace octet::loaders::tflite {

/// Will the model have the shapes that the file says? Not where an extent is open, or given by the
/// user: then they are examples.
bool shapes_hold(const ModelFile& file, const LoadOptions& options);

/// Adds the inputs that `readers` says are read, and a remark for each of the others. Throws
/// LoadError for open extents that --shape does not give, and for types that are no images'
/// numbers.
void add_inputs(const ModelFile& file, const std::vector<int>& readers, const LoadOptions& options,
                Builder& builder);

/// An input of unsigned bytes takes an image's pixels as they are: what the .octet model then says.
/// None for other inputs.
std::optional<Preprocess> pixels_as_they_are(const graph::Graph& graph, const ModelFile& file);

}  // namespace octet::loaders::tflite
