// The JSON object that says how an image becomes a model's input: docs/float_export.md,
// "preprocess".
#pragma once

#include <string>

#include "loaders/safetensors/json_reader.h"

namespace octet::loaders {

/// Throws LoadError.
Preprocess read_preprocess(const JsonObject& from);

/// The same from JSON text, as a user gives it on a command line: errors name --preprocess.
Expected<Preprocess> parse_preprocess(const std::string& json);

}  // namespace octet::loaders
