// octet run: answers about images.
#pragma once

#include <string>
#include <vector>

#include "tools/octet/exit_code.h"

namespace octet::tool {

struct RunOptions {
  std::string model;
  std::vector<std::string> images;
  std::size_t top = 5;
  SessionOptions session;
  std::string preprocess;
  bool as_json = false;
  std::string annotate;
  std::string dump;
  bool exif_rotate = true;
  bool force = false;
};

/// Prints the answer about each image. An image without an answer is an error of its own, and the
/// others still get theirs.
Expected<int> run(const RunOptions& options);

}  // namespace octet::tool
