#include "tools/octet/bad_images.h"

#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

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

}  // namespace octet::tool
