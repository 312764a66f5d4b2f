// A .tflite file as plain structs: verified, with every index checked, not yet interpreted. Data
// and options point into the bytes of the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loaders/tflite/format/tflite_generated.h"

namespace octet::loaders::tflite {

/// Returns "FLOAT16", ..., or the number of a type that the format does not have.
std::string type_name(format::TensorType type);

struct TensorRecord {
  std::string name;  ///< Unique; "tensor 12" if the file gives none.
  format::TensorType type = format::TensorType::FLOAT32;
  std::vector<int32_t> shape;      ///< As in the file, unchecked.
  std::vector<int32_t> signature;  ///< The shape with -1 for open extents; may be empty.
  std::optional<std::span<const std::byte>> data;  ///< For constants only.
  /// real = scale * (q - zero_point). There is no scale, one, or one for each position along
  /// `axis`, and as many zero points as scales.
  std::vector<float> scale;
  std::vector<int64_t> zero_point;
  int32_t axis = 0;
  bool custom_quantization = false;
  bool sparse = false;
  bool variable = false;
};

struct OperatorRecord {
  std::string op;  ///< "CONV_2D", for example; for a custom operator its own name.
  format::BuiltinOperator code = format::BuiltinOperator::CUSTOM;
  std::vector<int32_t> inputs;  ///< Indices of tensors; -1 for an input that is left out.
  std::vector<int32_t> outputs;
  const format::Operator* options = nullptr;
};

/// The first subgraph of the file.
struct ModelFile {
  std::string description;
  std::vector<TensorRecord> tensors;
  std::vector<OperatorRecord> operators;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
};

/// Whether the file has the identifier of a TFLite model, "TFL3".
bool looks_like_model(std::span<const std::byte> file);

/// Throws LoadError if the bytes are no sound TFLite model. The result points into the bytes, which
/// have to outlive it.
ModelFile read_model(std::span<const std::byte> file);

}  // namespace octet::loaders::tflite
