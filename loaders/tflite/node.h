// One operator of a TFLite graph: its options, and errors that name it.
#pragma once

#include <string>
#include <vector>

#include "loaders/load_error.h"
#include "loaders/tflite/model_file.h"

namespace octet::loaders::tflite {

class Node {
 public:
  /// `index` is the operator's number in the file. `name` is unique in the graph.
  Node(const ModelFile& file, std::size_t index, std::string name)
      : file_(file), record_(file.operators[index]), index_(index), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  format::BuiltinOperator code() const { return record_.code; }
  const std::string& op() const { return record_.op; }

  std::size_t input_count() const { return record_.inputs.size(); }
  bool has_input(std::size_t index) const {
    return index < record_.inputs.size() && record_.inputs[index] >= 0;
  }
  /// These return indices of tensors. They throw if there is none.
  int32_t input(std::size_t index) const;
  int32_t output(std::size_t index = 0) const;
  std::size_t output_count() const { return record_.outputs.size(); }
  const TensorRecord& input_tensor(std::size_t index) const {
    return file_.tensors[static_cast<std::size_t>(input(index))];
  }
  const TensorRecord& output_tensor(std::size_t index = 0) const {
    return file_.tensors[static_cast<std::size_t>(output(index))];
  }

  /// Null if the operator has no options of this type.
  template <class Options>
  const Options* find_options() const {
    return record_.options->builtin_options_as<Options>();
  }
  /// Throws if the operator has no options of this type.
  template <class Options>
  const Options& options() const {
    const Options* found = find_options<Options>();
    if (found == nullptr) fail("has no options, which it needs: the file is damaged");
    return *found;
  }

  /// Returns axis `given` of a tensor of `rank`, counted from 0.
  int32_t axis(int64_t given, std::size_t rank) const;

  /// The beginning of a message, such as "node 'Relu6' (CONV_2D, operator 3): ".
  std::string where() const {
    return "node '" + name_ + "' (" + op() + ", operator " + std::to_string(index_) + "): ";
  }
  [[noreturn]] void fail(const std::string& message) const { throw LoadError(where() + message); }
  /// Throws: octet knows the operator, but not in this form.
  [[noreturn]] void missing(const std::string& what) const { throw MissingOperator(what); }

 private:
  const ModelFile& file_;
  const OperatorRecord& record_;
  std::size_t index_;
  std::string name_;
};

}  // namespace octet::loaders::tflite
