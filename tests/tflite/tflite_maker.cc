#include "tests/tflite/tflite_maker.h"

#include <cstring>

namespace octet::test {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

namespace {

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

Offset<tflite::Tensor> write_tensor(FlatBufferBuilder& builder, const TfliteMaker::Tensor& tensor,
                                    uint32_t buffer) {
  Offset<tflite::QuantizationParameters> quantization;
  if (!tensor.scale.scale.empty()) {
    quantization = tflite::CreateQuantizationParametersDirect(
        builder, &tensor.scale.scale, &tensor.scale.zero_point, 0, tensor.scale.axis);
  }
  Offset<tflite::Ignored> sparsity;
  if (tensor.sparse) sparsity = tflite::CreateIgnored(builder);
  return tflite::CreateTensorDirect(builder, &tensor.shape, tensor.type, buffer,
                                    tensor.name.empty() ? nullptr : tensor.name.c_str(),
                                    quantization, false, sparsity,
                                    tensor.signature.empty() ? nullptr : &tensor.signature);
}

}  // namespace

int32_t TfliteMaker::tensor(Tensor tensor) {
  tensors_.push_back(std::move(tensor));
  return static_cast<int32_t>(tensors_.size()) - 1;
}

int32_t TfliteMaker::activation(const std::string& name, const std::vector<int32_t>& shape) {
  return tensor({.name = name, .shape = shape});
}

int32_t TfliteMaker::activation(const std::string& name, const std::vector<int32_t>& shape,
                                tflite::TensorType type, float scale, int64_t zero_point) {
  return tensor({.name = name, .shape = shape, .type = type, .scale = {{scale}, {zero_point}}});
}

int32_t TfliteMaker::floats(const std::string& name, const std::vector<int32_t>& shape,
                            const std::vector<float>& values) {
  return tensor({.name = name, .shape = shape, .data = bytes_of(values)});
}

int32_t TfliteMaker::whole_numbers(const std::string& name, const std::vector<int32_t>& shape,
                                   tflite::TensorType type, const std::vector<int64_t>& values) {
  const bool wide = type == tflite::TensorType::INT64;
  return tensor({.name = name,
                 .shape = shape,
                 .type = type,
                 .data = wide ? bytes_of(values)
                              : bytes_of(std::vector<int32_t>(values.begin(), values.end()))});
}

int32_t TfliteMaker::integers(const std::string& name, const std::vector<int32_t>& values) {
  return tensor({.name = name,
                 .shape = {static_cast<int32_t>(values.size())},
                 .type = tflite::TensorType::INT32,
                 .data = bytes_of(values)});
}

int32_t TfliteMaker::bytes(const std::string& name, const std::vector<int32_t>& shape,
                           tflite::TensorType type, const std::vector<int32_t>& values,
                           const TfliteScale& scale) {
  std::string data;
  for (const int32_t value : values) data.push_back(static_cast<char>(value));
  return tensor({.name = name, .shape = shape, .type = type, .scale = scale, .data = data});
}

int32_t TfliteMaker::biases(const std::string& name, const std::vector<int32_t>& values) {
  return integers(name, values);
}

TfliteMaker& TfliteMaker::node(tflite::BuiltinOperator code, const std::vector<int32_t>& in,
                               const std::vector<int32_t>& out, const TfliteOptions& options) {
  nodes_.push_back({.code = code, .inputs = in, .outputs = out, .options = options});
  return *this;
}

TfliteMaker& TfliteMaker::custom(const std::string& name, const std::vector<int32_t>& in,
                                 const std::vector<int32_t>& out) {
  nodes_.push_back({.code = tflite::BuiltinOperator::CUSTOM,
                    .custom = name,
                    .inputs = in,
                    .outputs = out,
                    .options = {}});
  return *this;
}

std::string TfliteMaker::file() const {
  FlatBufferBuilder builder;
  std::vector<Offset<tflite::Buffer>> buffers = {tflite::CreateBuffer(builder)};
  std::vector<Offset<tflite::Tensor>> tensors;
  for (const Tensor& tensor : tensors_) {
    uint32_t buffer = 0;
    if (!tensor.data.empty()) {
      buffer = static_cast<uint32_t>(buffers.size());
      builder.ForceVectorAlignment(tensor.data.size(), 1, 16);
      const auto data = builder.CreateVector(reinterpret_cast<const uint8_t*>(tensor.data.data()),
                                             tensor.data.size());
      buffers.push_back(tflite::CreateBuffer(builder, data));
    }
    tensors.push_back(write_tensor(builder, tensor, buffer));
  }
  std::vector<Offset<tflite::OperatorCode>> codes;
  std::vector<Offset<tflite::Operator>> operators;
  for (const Node& node : nodes_) {
    const auto number = static_cast<int32_t>(node.code);
    const auto old_number = static_cast<int8_t>(std::min(number, 127));
    codes.push_back(tflite::CreateOperatorCodeDirect(
        builder, old_number, node.custom.empty() ? nullptr : node.custom.c_str(), 1,
        old_codes ? tflite::BuiltinOperator::ADD : node.code));
    Offset<void> options;
    if (node.options.write) options = node.options.write(builder);
    operators.push_back(
        tflite::CreateOperatorDirect(builder, static_cast<uint32_t>(codes.size()) - 1, &node.inputs,
                                     &node.outputs, node.options.type, options));
  }
  const auto graph = tflite::CreateSubGraphDirect(builder, &tensors, &inputs, &outputs, &operators);
  const std::vector<Offset<tflite::SubGraph>> graphs = {graph};
  tflite::FinishModelBuffer(builder, tflite::CreateModelDirect(builder, version, &codes, &graphs,
                                                               "made in a test", &buffers));
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

TfliteOptions binary_options(tflite::BuiltinOperator code, tflite::Activation activation) {
  using tflite::BuiltinOperator;
  if (code == BuiltinOperator::ADD)
    return options<tflite::AddOptions>(tflite::CreateAddOptions, activation);
  if (code == BuiltinOperator::SUB)
    return options<tflite::SubOptions>(tflite::CreateSubOptions, activation);
  if (code == BuiltinOperator::MUL)
    return options<tflite::MulOptions>(tflite::CreateMulOptions, activation);
  if (code == BuiltinOperator::DIV)
    return options<tflite::DivOptions>(tflite::CreateDivOptions, activation);
  return {};
}

}  // namespace octet::test
