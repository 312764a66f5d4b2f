// octet convert: makes an .octet model.
#pragma once

#include <string>
#include <vector>

#include "tools/octet/calibrate.h"
#include "tools/octet/exit_code.h"

namespace octet::tool {

struct ConvertOptions {
  std::string input;
  std::string output;
  bool float_only = false;
  bool tables = false;
  std::vector<std::string> shapes;
  std::vector<std::string> keep_float;
  std::string preprocess;
  std::string task;
  std::string labels;
  bool forget_scales = false;
  bool force = false;
  CalibrationOptions calibration;
};

/// Reads, completes, builds, checks and writes a model, and prints a summary of it.
Expected<int> convert(const ConvertOptions& options);

}  // namespace octet::tool
