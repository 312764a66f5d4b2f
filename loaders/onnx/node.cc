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

bool Node::has(const char* attribute) const {
  return std::ranges::find(proto_.attributes, attribute, &AttributeProto::name) !=
         proto_.attributes.end();
}

const AttributeProto* Node::find(const char* attribute, AttributeType type) const {
  const auto found = std::ranges::find(proto_.attributes, attribute, &AttributeProto::name);
  if (found == proto_.attributes.end()) return nullptr;
  // Files from before 2017 leave the type out.
  if (found->type != type && found->type != AttributeType::undefined) {
    fail("has its attribute '" + std::string(attribute) + "' as " +
         attribute_type_name(found->type) + ", where ONNX has " + attribute_type_name(type));
  }
  return &*found;
}

int64_t Node::integer(const char* attribute, int64_t missing) const {
  const AttributeProto* found = find(attribute, AttributeType::integer);
  return found != nullptr ? found->i : missing;
}

int64_t Node::required_integer(const char* attribute) const {
  if (!has(attribute)) fail("has no attribute '" + std::string(attribute) + "', which it needs");
  return integer(attribute, 0);
}

float Node::number(const char* attribute, float missing) const {
  const AttributeProto* found = find(attribute, AttributeType::number);
  return found != nullptr ? found->f : missing;
}

std::string Node::text(const char* attribute, const std::string& missing) const {
  const AttributeProto* found = find(attribute, AttributeType::text);
  return found != nullptr ? found->s : missing;
}

std::vector<int64_t> Node::integers(const char* attribute) const {
  const AttributeProto* found = find(attribute, AttributeType::integers);
  return found != nullptr ? found->ints : std::vector<int64_t>();
}

std::vector<float> Node::numbers(const char* attribute) const {
  const AttributeProto* found = find(attribute, AttributeType::numbers);
  return found != nullptr ? found->floats : std::vector<float>();
}

const TensorProto* Node::tensor(const char* attribute) const {
  const AttributeProto* found = find(attribute, AttributeType::tensor);
  return found != nullptr && found->tensor ? &*found->tensor : nullptr;
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
