#include "loaders/onnx/model_proto.h"

#include <map>
#include <protozero/pbf_reader.hpp>

#include "loaders/load_error.h"

namespace octet::loaders::onnx {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

std::string text(pbf_reader& reader) { return reader.get_string(); }

std::string_view bytes(pbf_reader& reader) {
  const protozero::data_view view = reader.get_view();
  return {view.data(), view.size()};
}

// Repeated numbers: packed, or one field each as older writers do it.
template <class T, class One, class Packed>
void append(std::vector<T>& to, pbf_reader& reader, One one, Packed packed) {
  if (reader.wire_type() != pbf_wire_type::length_delimited) {
    to.push_back(static_cast<T>(one()));
    return;
  }
  for (const auto value : packed()) to.push_back(static_cast<T>(value));
}

void append_int64(std::vector<int64_t>& to, pbf_reader& reader) {
  append(
      to, reader, [&] { return reader.get_int64(); }, [&] { return reader.get_packed_int64(); });
}

void append_floats(std::vector<float>& to, pbf_reader& reader) {
  append(
      to, reader, [&] { return reader.get_float(); }, [&] { return reader.get_packed_float(); });
}

TensorProto parse_tensor(pbf_reader reader) {
  TensorProto tensor;
  while (reader.next()) {
    switch (reader.tag()) {
      case 1:
        append_int64(tensor.dims, reader);
        break;
      case 2:
        tensor.type = static_cast<DataType>(reader.get_int32());
        break;
      case 4:
        append_floats(tensor.floats, reader);
        break;
      case 5:
        append(
            tensor.integers, reader, [&] { return reader.get_int32(); },
            [&] { return reader.get_packed_int32(); });
        break;
      case 7:
        append_int64(tensor.integers, reader);
        break;
      case 8:
        tensor.name = text(reader);
        break;
      case 9:
        tensor.raw = bytes(reader);
        break;
      case 10:
        append(
            tensor.doubles, reader, [&] { return reader.get_double(); },
            [&] { return reader.get_packed_double(); });
        break;
      case 11:
        append(
            tensor.integers, reader, [&] { return reader.get_uint64(); },
            [&] { return reader.get_packed_uint64(); });
        break;
      case 14:
        tensor.external = reader.get_int32() == 1;
        break;
      default:
        reader.skip();
    }
  }
  return tensor;
}

AttributeProto parse_attribute(pbf_reader reader) {
  AttributeProto attribute;
  while (reader.next()) {
    switch (reader.tag()) {
      case 1:
        attribute.name = text(reader);
        break;
      case 2:
        attribute.f = reader.get_float();
        break;
      case 3:
        attribute.i = reader.get_int64();
        break;
      case 4:
        attribute.s = text(reader);
        break;
      case 5:
        attribute.tensor = parse_tensor(reader.get_message());
        break;
      case 7:
        append_floats(attribute.floats, reader);
        break;
      case 8:
        append_int64(attribute.ints, reader);
        break;
      case 9:
        attribute.strings.push_back(text(reader));
        break;
      case 20:
        attribute.type = reader.get_int32();
        break;
      case 6:
      case 11:
        attribute.has_graph = true;
        reader.skip();
        break;
      default:
        reader.skip();
    }
  }
  return attribute;
}

NodeProto parse_node(pbf_reader reader) {
  NodeProto node;
  while (reader.next()) {
    switch (reader.tag()) {
      case 1:
        node.inputs.push_back(text(reader));
        break;
      case 2:
        node.outputs.push_back(text(reader));
        break;
      case 3:
        node.name = text(reader);
        break;
      case 4:
        node.op_type = text(reader);
        break;
      case 5:
        node.attributes.push_back(parse_attribute(reader.get_message()));
        break;
      case 7:
        node.domain = text(reader);
        break;
      default:
        reader.skip();
    }
  }
  return node;
}

Dimension parse_dimension(pbf_reader reader) {
  Dimension dimension;
  while (reader.next()) {
    if (reader.tag() == 1) {
      dimension.value = reader.get_int64();
    } else if (reader.tag() == 2) {
      dimension.parameter = text(reader);
    } else {
      reader.skip();
    }
  }
  return dimension;
}

void parse_tensor_type(pbf_reader reader, ValueInfoProto& info) {
  info.is_tensor = true;
  while (reader.next()) {
    if (reader.tag() == 1) {
      info.type = static_cast<DataType>(reader.get_int32());
    } else if (reader.tag() == 2) {
      info.has_shape = true;
      pbf_reader shape = reader.get_message();
      while (shape.next(1)) info.dims.push_back(parse_dimension(shape.get_message()));
    } else {
      reader.skip();
    }
  }
}

ValueInfoProto parse_value_info(pbf_reader reader) {
  ValueInfoProto info;
  while (reader.next()) {
    if (reader.tag() == 1) {
      info.name = text(reader);
    } else if (reader.tag() == 2) {
      pbf_reader type = reader.get_message();
      while (type.next(1)) parse_tensor_type(type.get_message(), info);
    } else {
      reader.skip();
    }
  }
  return info;
}

GraphProto parse_graph(pbf_reader reader) {
  GraphProto graph;
  while (reader.next()) {
    switch (reader.tag()) {
      case 1:
        graph.nodes.push_back(parse_node(reader.get_message()));
        break;
      case 5:
        graph.initializers.push_back(parse_tensor(reader.get_message()));
        break;
      case 11:
        graph.inputs.push_back(parse_value_info(reader.get_message()));
        break;
      case 12:
        graph.outputs.push_back(parse_value_info(reader.get_message()));
        break;
      case 15:
        graph.has_sparse_initializers = true;
        reader.skip();
        break;
      default:
        reader.skip();
    }
  }
  return graph;
}

OperatorSet parse_operator_set(pbf_reader reader) {
  OperatorSet set;
  while (reader.next()) {
    if (reader.tag() == 1) {
      set.domain = text(reader);
    } else if (reader.tag() == 2) {
      set.version = reader.get_int64();
    } else {
      reader.skip();
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
      {DataType::float32, "float32"}, {DataType::uint8, "uint8"},      {DataType::int8, "int8"},
      {DataType::uint16, "uint16"},   {DataType::int16, "int16"},      {DataType::int32, "int32"},
      {DataType::int64, "int64"},     {DataType::text, "string"},      {DataType::boolean, "bool"},
      {DataType::float16, "float16"}, {DataType::float64, "float64"},  {DataType::uint32, "uint32"},
      {DataType::uint64, "uint64"},   {DataType::bfloat16, "bfloat16"}};
  const auto name = names.find(type);
  return name != names.end() ? name->second
                             : "number " + std::to_string(static_cast<int32_t>(type));
}

bool looks_like_model(std::span<const std::byte> file) {
  // Of ModelProto: which fields are messages or texts, the others are numbers.
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
    pbf_reader reader = reader_of(file);
    std::string version;
    while (reader.next()) {
      switch (reader.tag()) {
        case 1:
          model.ir_version = reader.get_int64();
          break;
        case 2:
          model.producer = text(reader);
          break;
        case 3:
          version = text(reader);
          break;
        case 7:
          model.graph = parse_graph(reader.get_message());
          break;
        case 8:
          model.operator_sets.push_back(parse_operator_set(reader.get_message()));
          break;
        case 25:
          model.has_functions = true;
          reader.skip();
          break;
        default:
          reader.skip();
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
