// octet bench: measures latency.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "tools/octet/exit_code.h"

namespace octet::tool {

struct BenchOptions {
  std::string model;
  std::string compare;
  std::vector<std::string> against;
  SessionOptions session;
  std::optional<std::size_t> runs;
  std::optional<std::size_t> warmup;
  std::string preprocess;
  bool layers = false;
  bool as_json = false;
};

/// Measures the model and those that it is compared with, in turns, and prints the times.
Expected<int> bench(const BenchOptions& options);

}  // namespace octet::tool
