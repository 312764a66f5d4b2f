// The command-line tool as a process of its own.
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
  /// Standard output, a JSON object a line.
  std::vector<nlohmann::json> json_lines() const;
};

struct Streams {
  std::string input;             ///< What standard input holds.
  std::string input_file;        ///< Where standard input comes from; empty: `input`.
  std::string output_file;       ///< Where standard output goes; empty: into the outcome.
  std::string append_to;         ///< A file that standard output is appended to; empty: as above.
  std::string append_errors_to;  ///< A file that standard error is appended to; empty: as below.
  std::string error_file;        ///< Where standard error goes; empty: into the outcome.
};

/// Runs `octet` with these arguments and waits. One thread where the arguments do not say
/// otherwise: on a busy machine more wait for one another.
Outcome octet_tool(const std::vector<std::string>& arguments, const Streams& streams = {});

/// The tool printed nothing but an error, in whose message `part` is.
void check_failed(const Outcome& outcome, const std::string& part);

/// It printed nothing but what is wrong with its arguments.
void check_wrong_usage(const Outcome& outcome, const std::string& part);

/// A folder with what the commands are tried on: models of sample_exports.h and images.
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

/// One for all tests that do not need their own.
const Workplace& workplace();

}  // namespace octet::test
