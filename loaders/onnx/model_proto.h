// An ONNX file as plain structs: the parts of onnx.proto that octet reads, not yet interpreted.
// Texts and raw data point into the bytes of the file.
//
// Graphs inside attributes (If, Loop) are only noted and not read, so that a file with many nested
// graphs cannot overflow the stack.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace octet::loaders::onnx {

/// TensorProto.DataType, with the numbers of onnx.proto.
enum class DataType : int32_t {
  undefined = 0,
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  text = 8,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
  bfloat16 = 16,
  // These are known by name only, for error messages.
  complex64 = 14,
  complex128 = 15,
  float8e4m3fn = 17,
  float8e4m3fnuz = 18,
  float8e5m2 = 19,
  float8e5m2fnuz = 20,
  uint4 = 21,
  int4 = 22,
  float4e2m1 = 23,
  float8e8m0 = 24,
  uint2 = 25,
  int2 = 26,
};

/// Returns "float16", "int64", ..., or the number of a type that octet does not know.
std::string data_type_name(DataType type);

struct TensorProto {
  std::string name;
  std::vector<int64_t> dims;
  DataType type = DataType::undefined;
  bool external = false;  ///< Whether the values are in another file.
  std::optional<std::string_view> raw;
  std::vector<float> floats;      ///< From float_data.
  std::vector<double> doubles;    ///< From double_data.
  std::vector<int64_t> integers;  ///< From int32_data, int64_data or uint64_data.
};

/// AttributeProto.AttributeType, with the numbers of onnx.proto.
enum class AttributeType : int32_t {
  undefined = 0,  ///< Occurs in old files.
  number = 1,
  integer = 2,
  text = 3,
  tensor = 4,
  numbers = 6,
  integers = 7,
};

/// Returns "a number (FLOAT)", ..., or the number of a type that octet does not read.
std::string attribute_type_name(AttributeType type);

struct AttributeProto {
  std::string name;
  AttributeType type = AttributeType::undefined;
  float f = 0;
  int64_t i = 0;
  std::string s;
  std::optional<TensorProto> tensor;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string> strings;
  bool has_graph = false;
};

struct NodeProto {
  std::string name;
  std::string op_type;
  std::string domain;
  std::vector<std::string> inputs;  ///< "" for an optional input that is left out.
  std::vector<std::string> outputs;
  std::vector<AttributeProto> attributes;
};

struct Dimension {
  std::optional<int64_t> value;
  std::string parameter;  ///< The name of a dynamic dimension; may be empty.
};

struct ValueInfoProto {
  std::string name;
  DataType type = DataType::undefined;
  bool is_tensor = false;
  bool has_shape = false;
  std::vector<Dimension> dims;
};

struct GraphProto {
  std::vector<NodeProto> nodes;
  std::vector<TensorProto> initializers;
  std::vector<ValueInfoProto> inputs;
  std::vector<ValueInfoProto> outputs;
  bool has_sparse_initializers = false;
};

struct OperatorSet {
  std::string domain;
  int64_t version = 0;
};

struct ModelProto {
  int64_t ir_version = 0;
  std::string producer;  ///< The name and version of the program that wrote the file.
  std::vector<OperatorSet> operator_sets;
  GraphProto graph;
  bool has_functions = false;
};

/// Whether this is a ModelProto, perhaps a damaged one. ONNX files have no magic number, so the
/// fields that every model has must come before anything that is no field of a model.
bool looks_like_model(std::span<const std::byte> file);

/// Throws LoadError if the bytes are no message of onnx.proto. The result points into the bytes,
/// which have to outlive it.
ModelProto parse_model(std::span<const std::byte> file);

}  // namespace octet::loaders::onnx
