#include "tools/octet/bad_images.h"

#include <cmath>
#include <cstdio>
#include <iostream>

#include "tools/octet/json_text.h"

namespace octet::tool {

nlohmann::ordered_json BadImages::records() const {
  nlohmann::ordered_json records = nlohmann::ordered_json::array();
  for (const BadImage& bad : all_) records.push_back(error_record(bad.path, bad.error));
  return records;
}

Expected<void> BadImages::finish(const std::string& folder, std::size_t total,
                                 double most_percent) const {
  if (all_.empty()) return {};
  const std::string share = std::to_string(all_.size()) + " of " + std::to_string(total) +
                            (total == 1 ? " image" : " images");
  std::cerr << "octet: warning: left out " << share << ":\n";
  for (const BadImage& bad : all_) std::cerr << "  " << bad.error << "\n";
  if (all_.size() == total) return fail(folder + ": no image in it can be read");
  const double percent = 100.0 * static_cast<double>(all_.size()) / static_cast<double>(total);
  if (percent <= most_percent) return {};
  char numbers[80];
  std::snprintf(numbers, sizeof(numbers), " (%.3g %%), and at most %.3g %% may be bad", percent,
                most_percent);
  return fail(folder + ": " + share + " cannot be read" + numbers +
              ": mend or remove them, or allow more with --max-bad " +
              std::to_string(static_cast<int>(std::ceil(percent))));
}

namespace {

// CLI::Range takes what is not a number for one in the range.
std::string not_a_percentage(const std::string& text) {
  double value = 0;
  const bool is_number = CLI::detail::lexical_cast(text, value);
  return is_number && value >= 0 && value <= 100 ? "" : text + " is no number from 0 to 100";
}

}  // namespace

void add_max_bad_option(CLI::App& command, double& percent) {
  command
      .add_option("--max-bad", percent,
                  "The share of images, in percent, that may be damaged and are left out")
      ->check(CLI::Validator(not_a_percentage, "FLOAT in [0 - 100]"))
      ->capture_default_str()
      ->type_name("PERCENT");
}

}  // namespace octet::tool
