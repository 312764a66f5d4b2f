// Makes TFLite files in a test, with the loader's own schema.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "loaders/tflite/format/tflite_generated.h"

namespace octet::test {

namespace tflite = loaders::tflite::format;

/// A scale as in a file: signed bytes have zero points from -128 to 127.
struct TfliteScale {
  std::vector<float> scale;
  std::vector<int64_t> zero_point;
  int32_t axis = 0;
};

/// The options of an operator: their type, and a function that writes them.
struct TfliteOptions {
  tflite::BuiltinOptions type = tflite::BuiltinOptions::NONE;
  std::function<flatbuffers::Offset<void>(flatbuffers::FlatBufferBuilder&)> write;
};

/// The TfliteOptions of a table whose Create function takes `values`, such as
/// options<tflite::AddOptions>(tflite::CreateAddOptions, activation).
template <class Table, class Create, class... Values>
TfliteOptions options(const Create& create, Values... values) {
  return {
      tflite::BuiltinOptionsTraits<Table>::enum_value,
      [=](flatbuffers::FlatBufferBuilder& builder) { return create(builder, values...).Union(); }};
}

/// The options of ADD, SUB, MUL or DIV; none for operators without such options.
TfliteOptions binary_options(tflite::BuiltinOperator code,
                             tflite::Activation activation = tflite::Activation::NONE);

class TfliteMaker {
 public:
  struct Tensor {
    std::string name;
    std::vector<int32_t> shape;
    tflite::TensorType type = tflite::TensorType::FLOAT32;
    TfliteScale scale = {};
    std::string data = {};  ///< The bytes of a constant.
    std::vector<int32_t> signature = {};
    bool sparse = false;
  };

  /// Adds the tensor and returns its index.
  int32_t tensor(Tensor tensor);
  /// Adds a computed tensor of floats, or of bytes if it has a scale.
  int32_t activation(const std::string& name, const std::vector<int32_t>& shape);
  int32_t activation(const std::string& name, const std::vector<int32_t>& shape,
                     tflite::TensorType type, float scale, int64_t zero_point);
  int32_t floats(const std::string& name, const std::vector<int32_t>& shape,
                 const std::vector<float>& values);
  /// Adds a constant of INT32 with one axis.
  int32_t integers(const std::string& name, const std::vector<int32_t>& values);
  /// Adds a constant of INT32 or INT64, with any shape.
  int32_t whole_numbers(const std::string& name, const std::vector<int32_t>& shape,
                        tflite::TensorType type, const std::vector<int64_t>& values);
  /// Adds a constant of INT8 or UINT8.
  int32_t bytes(const std::string& name, const std::vector<int32_t>& shape, tflite::TensorType type,
                const std::vector<int32_t>& values, const TfliteScale& scale);
  /// Adds a bias: INT32 with a scale.
  int32_t biases(const std::string& name, const std::vector<int32_t>& values);

  TfliteMaker& node(tflite::BuiltinOperator code, const std::vector<int32_t>& inputs,
                    const std::vector<int32_t>& outputs, const TfliteOptions& options = {});
  TfliteMaker& custom(const std::string& name, const std::vector<int32_t>& inputs,
                      const std::vector<int32_t>& outputs);

  /// Removes the nodes; the tensors stay.
  void clear_nodes() { nodes_.clear(); }

  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  uint32_t version = 3;
  /// Whether to write operator codes as files before 2020 do: only in the older field.
  bool old_codes = false;

  std::string file() const;

 private:
  struct Node {
    tflite::BuiltinOperator code = tflite::BuiltinOperator::ADD;
    std::string custom;
    std::vector<int32_t> inputs;
    std::vector<int32_t> outputs;
    TfliteOptions options;
  };
  std::vector<Tensor> tensors_;
  std::vector<Node> nodes_;
};

}  // namespace octet::test
