// What the user says about a model file that does not say it all itself.
#pragma once

#include <map>
#include <string>

#include "engine/operator.h"

namespace octet::loaders {

struct LoadOptions {
  /// Input shapes in the file's own order of axes, by input name; "" names the first input.
  std::map<std::string, Shape> shapes;
};

/// What Graph::remarks says of an input that the model is read without.
std::string unread_input_remark(const std::string& input);

/// "1,3,224,224", or "NAME=1,3,224,224", added to `options`. Errors say what is wrong with it.
Expected<void> add_shape_option(const std::string& text, LoadOptions& options);

}  // namespace octet::loaders
