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

/// What octet lacks to run a node. A loader goes on to the next one, and lists all of them.
class MissingOperator : public std::runtime_error {
 public:
  explicit MissingOperator(const std::string& what) : std::runtime_error(what) {}
};

}  // namespace octet::loaders
