// What the user adds about a model file that does not say everything itself.
#pragma once

#include <map>
#include <string>

#include "engine/operator.h"

namespace octet::loaders {

struct LoadOptions {
  /// Shapes of inputs in the file's own order of axes, by the name of the input; "" names the first
  /// input.
  std::map<std::string, Shape> shapes;
};

/// The remark in Graph::remarks about an input that is left out because nobody reads it.
std::string unread_input_remark(const std::string& input);

/// Adds "1,3,224,224" or "NAME=1,3,224,224" to `options`. The error says what is wrong with the
/// text.
Expected<void> add_shape_option(const std::string& text, LoadOptions& options);

}  // namespace octet::loaders
