// The JSON object that says how an image becomes a model's input (docs/float_export.md,
// "preprocess").
#pragma once

#include <string>
#include <vector>

#include "loaders/safetensors/json_reader.h"

namespace octet::loaders {

/// Throws LoadError. Means and deviations of pixels from 0 to 1 are refused, because octet's belong
/// to pixels from 0 to 255.
Preprocess read_preprocess(const JsonObject& from);

/// The names of the usual preprocessings: imagenet-torch, imagenet-tf, zero-one
/// (docs/calibration.md).
const std::vector<std::string>& preprocess_presets();
/// The same names as one text: "imagenet-tf, imagenet-torch, zero-one".
std::string preprocess_preset_names();

/// Reads a preset or a JSON text from a command line; errors name --preprocess. If the size is left
/// out, it is that of the model's input [1, height, width, channels].
Expected<Preprocess> parse_preprocess(const std::string& text, const Shape& input = {});

}  // namespace octet::loaders
