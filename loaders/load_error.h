// Errors of the loaders. Inside, they are thrown, however deep in a file they are found; load()
// catches them at the door.
#pragma once

#include <stdexcept>
#include <string>

namespace octet::loaders {

class LoadError : public std::runtime_error {
 public:
  explicit LoadError(const std::string& message) : std::runtime_error(message) {}
};

/// Says what octet lacks to run a node. A loader then goes on to the next node, and lists all of
/// these errors.
class MissingOperator : public std::runtime_error {
 public:
  explicit MissingOperator(const std::string& what) : std::runtime_error(what) {}
};

}  // namespace octet::loaders
