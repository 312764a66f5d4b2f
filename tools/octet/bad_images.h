// Images of a folder that cannot be read: counted and listed, and too many of them are an error.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "octet/octet.hpp"

namespace octet::tool {

class BadImages {
 public:
  void add(const std::string& path, const std::string& error) { all_.push_back({path, error}); }

  std::size_t count() const { return all_.size(); }

  /// An array with {"path": ..., "error": ...} for each.
  nlohmann::ordered_json records() const;

  /// Names them on standard error. Error: more than `most_percent` of the `total` images, or all.
  Expected<void> finish(const std::string& folder, std::size_t total, double most_percent) const;

 private:
  struct BadImage {
    std::string path;
    std::string error;  ///< Begins with the path.
  };
  std::vector<BadImage> all_;
};

}  // namespace octet::tool
