// octet eval: measures a model on a folder of images.
#pragma once

#include <cstddef>
#include <string>

#include "tools/octet/exit_code.h"

namespace octet::tool {

struct EvalOptions {
  std::string model;
  std::string folder;
  std::string compare;
  std::size_t limit = 0;
  int first_class = 0;
  SessionOptions session;
  std::string preprocess;
  double max_bad_percent = 1;
  bool exif_rotate = true;
  bool as_json = false;
};

/// Prints how often the model is right. Errors: no task; no image that can be read; no classes.
Expected<int> eval(const EvalOptions& options);

}  // namespace octet::tool
