// --preprocess, as every command that runs a model takes it.
#pragma once

#include <optional>
#include <string>

#include "octet/octet.hpp"

namespace octet::tool {

/// Empty text gives nothing. Errors: neither a preset nor JSON; it does not suit the model's first
/// input.
Expected<std::optional<Preprocess>> read_preprocess_option(const std::string& text,
                                                           const Model& model);

}  // namespace octet::tool
