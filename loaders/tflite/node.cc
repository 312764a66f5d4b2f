#include "loaders/tflite/node.h"

namespace octet::loaders::tflite {

int32_t Node::input(std::size_t index) const {
  if (!has_input(index)) fail("has no input " + std::to_string(index) + ", which it needs");
  return record_.inputs[index];
}

int32_t Node::output(std::size_t index) const {
  if (index >= record_.outputs.size()) fail("has no output " + std::to_string(index));
  return record_.outputs[index];
}

int32_t Node::axis(int64_t given, std::size_t rank) const {
  const auto count = static_cast<int64_t>(rank);
  const int64_t positive = given < 0 ? given + count : given;
  if (positive < 0 || positive >= count) {
    fail("axis " + std::to_string(given) + " does not exist in a tensor of rank " +
         std::to_string(rank));
  }
  return static_cast<int32_t>(positive);
}

}  // namespace octet::loaders::tflite
