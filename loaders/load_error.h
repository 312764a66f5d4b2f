// Inside the loaders an error is thrown, from however deep in a file it is found; load() catches it
// at the door.
#pragma once

#include <stdexcept>
#include <string>

namespace octet::loaders {

class LoadError : public std::runtime_error {
 public:
  explicit LoadError(const std::string& message) : std::runtime_error(message) {}
};

}  // namespace octet::loaders
