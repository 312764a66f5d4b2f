// octet inspect: shows the nodes of a model.
#pragma once

#include <string>

#include "tools/octet/exit_code.h"

namespace octet::tool {

struct InspectOptions {
  std::string model;
  SessionOptions session{.threads = 1};
  bool as_json = false;
};

/// Prints the nodes, as a table or as one JSON object.
Expected<int> inspect(const InspectOptions& options);

}  // namespace octet::tool
