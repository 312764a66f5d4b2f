// One node of an ONNX graph: its attributes by name, and errors that name the node.
#pragma once

#include <string>
#include <vector>

#include "loaders/load_error.h"
#include "loaders/onnx/model_proto.h"

namespace octet::loaders::onnx {

class Node {
 public:
  /// `opset` is the version of the operator set to which the node's operator belongs. `name` is
  /// unique in the graph.
  Node(const NodeProto& proto, std::string name, int64_t opset)
      : proto_(proto), name_(std::move(name)), opset_(opset) {}

  const NodeProto& proto() const { return proto_; }
  const std::string& name() const { return name_; }
  const std::string& op() const { return proto_.op_type; }
  int64_t opset() const { return opset_; }

  std::size_t input_count() const { return proto_.inputs.size(); }
  bool has_input(std::size_t index) const {
    return index < proto_.inputs.size() && !proto_.inputs[index].empty();
  }
  /// Throws if the input is left out.
  const std::string& input(std::size_t index) const;
  std::size_t output_count() const { return proto_.outputs.size(); }
  const std::string& output(std::size_t index = 0) const;
  bool has_output(std::size_t index) const {
    return index < proto_.outputs.size() && !proto_.outputs[index].empty();
  }

  bool has(const char* attribute) const;
  // These return an attribute of the type that their name says. They throw if the file has it with
  // another type.
  int64_t integer(const char* attribute, int64_t missing) const;
  int64_t required_integer(const char* attribute) const;
  float number(const char* attribute, float missing) const;
  std::string text(const char* attribute, const std::string& missing) const;
  /// Empty if the node does not have it.
  std::vector<int64_t> integers(const char* attribute) const;
  std::vector<float> numbers(const char* attribute) const;
  /// Null if the node does not have it.
  const TensorProto* tensor(const char* attribute) const;

  /// Converts a number from the file to int32. Throws if it does not fit.
  int32_t to_int32(int64_t value, const char* what) const;
  /// Returns axis `given` of a tensor of `rank`, counted from 0.
  int32_t axis(int64_t given, std::size_t rank) const;

  /// The beginning of a message, such as "node 'layer1.conv' (Conv): ".
  std::string where() const { return "node '" + name_ + "' (" + op() + "): "; }
  [[noreturn]] void fail(const std::string& message) const { throw LoadError(where() + message); }
  /// Throws: octet knows the operator, but not in this form.
  [[noreturn]] void missing(const std::string& what) const { throw MissingOperator(what); }

 private:
  /// Null if the node does not have it.
  const AttributeProto* find(const char* attribute, AttributeType type) const;

  const NodeProto& proto_;
  std::string name_;
  int64_t opset_;
};

}  // namespace octet::loaders::onnx
