#include "loaders/onnx/node.h"

#include <algorithm>
#include <limits>

namespace octet::loaders::onnx {

const std::string& Node::input(std::size_t index) const {
  if (!has_input(index)) fail("has no input " + std::to_string(index) + ", which it needs");
  return proto_.inputs[index];
}

const std::string& Node::output(std::size_t index) const {
  if (!has_output(index)) fail("has no output " + std::to_string(index));
  return proto_.outputs[index];
}

const AttributeProto* Node::find(const char* attribute) const {
  const auto found = std::ranges::find(proto_.attributes, attribute, &AttributeProto::name);
  return found != proto_.attributes.end() ? &*found : nullptr;
}

const AttributeProto& Node::required(const char* attribute) const {
  const AttributeProto* found = find(attribute);
  if (found == nullptr) fail("has no attribute '" + std::string(attribute) + "', which it needs");
  return *found;
}

int64_t Node::integer(const char* attribute, int64_t missing) const {
  const AttributeProto* found = find(attribute);
  return found != nullptr ? found->i : missing;
}

float Node::number(const char* attribute, float missing) const {
  const AttributeProto* found = find(attribute);
  return found != nullptr ? found->f : missing;
}

std::string Node::text(const char* attribute, const std::string& missing) const {
  const AttributeProto* found = find(attribute);
  return found != nullptr ? found->s : missing;
}

std::vector<int64_t> Node::integers(const char* attribute) const {
  const AttributeProto* found = find(attribute);
  return found != nullptr ? found->ints : std::vector<int64_t>();
}

int32_t Node::to_int32(int64_t value, const char* what) const {
  if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max()) {
    fail(std::string(what) + " " + std::to_string(value) + " is out of range");
  }
  return static_cast<int32_t>(value);
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

}  // namespace octet::loaders::onnx
