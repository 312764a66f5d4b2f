// A .tflite file as plain structs: verified, every index checked, nothing interpreted yet. Data and
// options are views into the file's bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loaders/tflite/format/tflite_generated.h"

namespace octet::loaders::tflite {

/// "FLOAT16", ...; the number of a type that the format does not have.
std::string type_name(format::TensorType type);

struct TensorRecord {
  std::string name;  ///< Unique; "tensor 12" where the file has none.
  format::TensorType type = format::TensorType::FLOAT32;
  std::vector<int32_t> shape;      ///< As the file says, unchecked.
  std::vector<int32_t> signature;  ///< The shape with -1 for open extents; may be empty.
  std::optional<std::span<const std::byte>> data;  ///< Of a constant.
  /// real = scale * (q - zero_point): none, one, or one for each position along `axis`; as many of
  /// both.
  std::vector<float> scale;
  std::vector<int64_t> zero_point;
  int32_t axis = 0;
  bool custom_quantization = false;
  bool sparse = false;
  bool variable = false;
};

struct OperatorRecord {
  std::string op;  ///< "CONV_2D"; of a custom operator its own name.
  format::BuiltinOperator code = format::BuiltinOperator::CUSTOM;
  std::vector<int32_t> inputs;  ///< Indices of tensors; -1 where one is left out.
  std::vector<int32_t> outputs;
  const format::Operator* options = nullptr;
};

/// The first subgraph.
struct ModelFile {
  std::string description;
  std::vector<TensorRecord> tensors;
  std::vector<OperatorRecord> operators;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
};

/// Has the file the identifier of a TFLite model, "TFL3"?
bool looks_like_model(std::span<const std::byte> file);

/// Throws LoadError where the bytes are no sound TFLite model. They must outlive the result.
ModelFile read_model(std::span<const std::byte> file);

}  // namespace octet::loaders::tflite
