// Runs the command-line tool as a process of its own.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/contains.h"
#include "tests/loaders/float_export_maker.h"

namespace octet::test {

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;

  nlohmann::json json() const { return nlohmann::json::parse(out); }
  /// Standard output, with a JSON object in each line.
  std::vector<nlohmann::json> json_lines() const;
};

struct Streams {
  std::string input;             ///< The bytes of standard input.
  std::string input_file;        ///< Where standard input comes from; empty: `input`.
  std::string output_file;       ///< Where standard output goes; empty: into the outcome.
  std::string append_to;         ///< A file that standard output is appended to; empty: as above.
  std::string append_errors_to;  ///< A file that standard error is appended to; empty: as below.
  std::string error_file;        ///< Where standard error goes; empty: into the outcome.
};

/// Runs `octet` with these arguments and waits. It takes one thread where the arguments do not say
/// otherwise, since on a busy machine several threads wait for one another.
Outcome octet_tool(const std::vector<std::string>& arguments, const Streams& streams = {});

/// Checks that the tool printed nothing but an error, and that its message has `part` in it.
void check_failed(const Outcome& outcome, const std::string& part);

/// Checks that it printed nothing but what is wrong with its arguments.
void check_wrong_usage(const Outcome& outcome, const std::string& part);

/// A folder with models (those of sample_exports.h) and images, for the commands to work on.
class Workplace {
 public:
  Workplace();
  std::string path(const std::string& name) const { return folder.path(name); }

  TemporaryFolder folder;
  std::string classifier;  ///< int8
  std::string float_classifier;
  std::string detector;  ///< int8
  std::string float_detector;
  std::vector<std::string> images;  ///< PNG, PNG, JPEG
};

/// Shared by all tests that do not need one of their own.
const Workplace& workplace();

}  // namespace octet::test
