#include "loaders/onnx/model_proto.h"

#include <map>
#include <protozero/pbf_reader.hpp>

#include "loaders/load_error.h"
#include "loaders/onnx/message.h"

namespace octet::loaders::onnx {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

TensorProto parse_tensor(Message message) {
  TensorProto tensor;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        message.append_int64(tensor.dims);
        break;
      case 2:
        tensor.type = static_cast<DataType>(message.int32());
        break;
      case 4:
        message.append_float32(tensor.floats);
        break;
      case 5:   // int32_data
      case 7:   // int64_data
      case 11:  // uint64_data
        message.append_int64(tensor.integers);
        break;
      case 8:
        tensor.name = message.text();
        break;
      case 9:
        tensor.raw = message.bytes();
        break;
      case 10:
        message.append_float64(tensor.doubles);
        break;
      case 14:
        tensor.external = message.int32() == 1;
        break;
      default:
        message.skip();
    }
  }
  return tensor;
}

AttributeProto parse_attribute(Message message) {
  AttributeProto attribute;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        attribute.name = message.text();
        break;
      case 2:
        attribute.f = message.float32();
        break;
      case 3:
        attribute.i = message.int64();
        break;
      case 4:
        attribute.s = message.text();
        break;
      case 5:
        attribute.tensor = parse_tensor(message.message());
        break;
      case 7:
        message.append_float32(attribute.floats);
        break;
      case 8:
        message.append_int64(attribute.ints);
        break;
      case 9:
        attribute.strings.push_back(message.text());
        break;
      case 20:
        attribute.type = static_cast<AttributeType>(message.int32());
        break;
      case 6:
      case 11:
        attribute.has_graph = true;
        message.skip();
        break;
      default:
        message.skip();
    }
  }
  return attribute;
}

NodeProto parse_node(Message message) {
  NodeProto node;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        node.inputs.push_back(message.text());
        break;
      case 2:
        node.outputs.push_back(message.text());
        break;
      case 3:
        node.name = message.text();
        break;
      case 4:
        node.op_type = message.text();
        break;
      case 5:
        node.attributes.push_back(parse_attribute(message.message()));
        break;
      case 7:
        node.domain = message.text();
        break;
      default:
        message.skip();
    }
  }
  return node;
}

Dimension parse_dimension(Message message) {
  Dimension dimension;
  while (message.next()) {
    if (message.field() == 1) {
      dimension.value = message.int64();
    } else if (message.field() == 2) {
      dimension.parameter = message.text();
    } else {
      message.skip();
    }
  }
  return dimension;
}

void parse_tensor_type(Message message, ValueInfoProto& info) {
  info.is_tensor = true;
  while (message.next()) {
    if (message.field() == 1) {
      info.type = static_cast<DataType>(message.int32());
    } else if (message.field() == 2) {
      info.has_shape = true;
      for (Message shape = message.message(); shape.next();) {
        if (shape.field() == 1) {
          info.dims.push_back(parse_dimension(shape.message()));
        } else {
          shape.skip();
        }
      }
    } else {
      message.skip();
    }
  }
}

ValueInfoProto parse_value_info(Message message) {
  ValueInfoProto info;
  while (message.next()) {
    if (message.field() == 1) {
      info.name = message.text();
    } else if (message.field() == 2) {
      for (Message type = message.message(); type.next();) {
        if (type.field() == 1) {
          parse_tensor_type(type.message(), info);
        } else {
          type.skip();
        }
      }
    } else {
      message.skip();
    }
  }
  return info;
}

GraphProto parse_graph(Message message) {
  GraphProto graph;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        graph.nodes.push_back(parse_node(message.message()));
        break;
      case 5:
        graph.initializers.push_back(parse_tensor(message.message()));
        break;
      case 11:
        graph.inputs.push_back(parse_value_info(message.message()));
        break;
      case 12:
        graph.outputs.push_back(parse_value_info(message.message()));
        break;
      case 15:
        graph.has_sparse_initializers = true;
        message.skip();
        break;
      default:
        message.skip();
    }
  }
  return graph;
}

OperatorSet parse_operator_set(Message message) {
  OperatorSet set;
  while (message.next()) {
    if (message.field() == 1) {
      set.domain = message.text();
    } else if (message.field() == 2) {
      set.version = message.int64();
    } else {
      message.skip();
    }
  }
  return set;
}

pbf_reader reader_of(std::span<const std::byte> file) {
  return {reinterpret_cast<const char*>(file.data()), file.size()};
}

}  // namespace

std::string data_type_name(DataType type) {
  static const std::map<DataType, const char*> names = {
      {DataType::float32, "float32"},
      {DataType::uint8, "uint8"},
      {DataType::int8, "int8"},
      {DataType::uint16, "uint16"},
      {DataType::int16, "int16"},
      {DataType::int32, "int32"},
      {DataType::int64, "int64"},
      {DataType::text, "string"},
      {DataType::boolean, "bool"},
      {DataType::float16, "float16"},
      {DataType::float64, "float64"},
      {DataType::uint32, "uint32"},
      {DataType::uint64, "uint64"},
      {DataType::bfloat16, "bfloat16"},
      {DataType::complex64, "complex64"},
      {DataType::complex128, "complex128"},
      {DataType::float8e4m3fn, "float8e4m3fn"},
      {DataType::float8e4m3fnuz, "float8e4m3fnuz"},
      {DataType::float8e5m2, "float8e5m2"},
      {DataType::float8e5m2fnuz, "float8e5m2fnuz"},
      {DataType::uint4, "uint4"},
      {DataType::int4, "int4"},
      {DataType::float4e2m1, "float4e2m1"},
      {DataType::float8e8m0, "float8e8m0"},
      {DataType::uint2, "uint2"},
      {DataType::int2, "int2"}};
  const auto name = names.find(type);
  return name != names.end() ? name->second
                             : "number " + std::to_string(static_cast<int32_t>(type));
}

std::string attribute_type_name(AttributeType type) {
  switch (type) {
    case AttributeType::undefined:
      return "nothing";
    case AttributeType::number:
      return "a number (FLOAT)";
    case AttributeType::integer:
      return "a whole number (INT)";
    case AttributeType::text:
      return "a text (STRING)";
    case AttributeType::tensor:
      return "a tensor (TENSOR)";
    case AttributeType::numbers:
      return "numbers (FLOATS)";
    case AttributeType::integers:
      return "whole numbers (INTS)";
  }
  return "type number " + std::to_string(static_cast<int32_t>(type));
}

bool looks_like_model(std::span<const std::byte> file) {
  // The fields of ModelProto that are messages or texts. The others are numbers.
  constexpr uint32_t delimited = 1U << 2 | 1U << 3 | 1U << 4 | 1U << 6 | 1U << 7 | 1U << 8 |
                                 1U << 14 | 1U << 20 | 1U << 25 | 1U << 26;
  constexpr uint32_t numbers = 1U << 1 | 1U << 5;
  bool has_version = false;
  try {
    pbf_reader reader = reader_of(file);
    while (reader.next()) {
      const uint32_t field = reader.tag() < 32 ? 1U << reader.tag() : 0;
      const bool is_number = reader.wire_type() == pbf_wire_type::varint;
      const bool is_delimited = reader.wire_type() == pbf_wire_type::length_delimited;
      if (!(is_number && (field & numbers) != 0) && !(is_delimited && (field & delimited) != 0))
        return false;
      has_version = has_version || reader.tag() == 1;
      if (reader.tag() == 7 && has_version) return true;
      reader.skip();
    }
  } catch (const protozero::exception&) {
    return false;
  }
  return false;
}

ModelProto parse_model(std::span<const std::byte> file) {
  ModelProto model;
  try {
    Message message(reader_of(file));
    std::string version;
    while (message.next()) {
      switch (message.field()) {
        case 1:
          model.ir_version = message.int64();
          break;
        case 2:
          model.producer = message.text();
          break;
        case 3:
          version = message.text();
          break;
        case 7:
          model.graph = parse_graph(message.message());
          break;
        case 8:
          model.operator_sets.push_back(parse_operator_set(message.message()));
          break;
        case 25:
          model.has_functions = true;
          message.skip();
          break;
        default:
          message.skip();
      }
    }
    if (!version.empty()) model.producer += " " + version;
  } catch (const protozero::exception& error) {
    throw LoadError(
        "this ONNX file is damaged or cut off: its bytes are no ONNX model from some place on (" +
        std::string(error.what()) + ")");
  }
  return model;
}

}  // namespace octet::loaders::onnx
