// The option --preprocess of every command that runs a model.
#pragma once

#include <optional>
#include <string>

#include "octet/octet.hpp"

namespace octet::tool {

/// Empty text gives nothing. Errors: the text is neither a preset nor JSON; it does not suit the
/// model's first input.
Expected<std::optional<Preprocess>> read_preprocess_option(const std::string& text,
                                                           const Model& model);

}  // namespace octet::tool
