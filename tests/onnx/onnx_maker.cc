#include "tests/onnx/onnx_maker.h"

#include <protozero/pbf_writer.hpp>

namespace octet::test {

using protozero::pbf_writer;

namespace {

std::string value_info(const std::string& name, const std::vector<int64_t>& dims, int32_t type) {
  std::string shape;
  for (const int64_t extent : dims) {
    std::string dimension;
    if (extent < 0) {
      pbf_writer(dimension).add_string(2, "d");
    } else {
      pbf_writer(dimension).add_int64(1, extent);
    }
    pbf_writer(shape).add_message(1, dimension);
  }
  std::string tensor_type;
  pbf_writer tensor(tensor_type);
  tensor.add_int32(1, type);
  tensor.add_message(2, shape);
  std::string any_type;
  pbf_writer(any_type).add_message(1, tensor_type);
  std::string info;
  pbf_writer writer(info);
  writer.add_string(1, name);
  writer.add_message(2, any_type);
  return info;
}

std::string tensor(const std::string& name, const std::vector<int64_t>& dims, int32_t type) {
  std::string out;
  pbf_writer writer(out);
  for (const int64_t extent : dims) writer.add_int64(1, extent);
  writer.add_int32(2, type);
  writer.add_string(8, name);
  return out;
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string attribute(const std::string& name, const OnnxAttribute& value) {
  std::string out;
  pbf_writer writer(out);
  writer.add_string(1, name);
  int32_t type = 0;  // an AttributeProto.AttributeType
  if (const auto* f = std::get_if<float>(&value)) writer.add_float(2, *f), type = 1;
  if (const auto* i = std::get_if<int64_t>(&value)) writer.add_int64(3, *i), type = 2;
  if (const auto* s = std::get_if<std::string>(&value)) writer.add_string(4, *s), type = 3;
  if (const auto* many = std::get_if<std::vector<int64_t>>(&value)) {
    for (const int64_t i : *many) writer.add_int64(8, i);
    type = 7;
  }
  writer.add_int32(20, type);
  return out;
}

}  // namespace

OnnxMaker& OnnxMaker::input(const std::string& name, const std::vector<int64_t>& dims,
                            int32_t type) {
  pbf_writer(graph_).add_message(11, value_info(name, dims, type));
  return *this;
}

OnnxMaker& OnnxMaker::output(const std::string& name) {
  pbf_writer(graph_).add_message(12, value_info(name, {}, 1));
  return *this;
}

OnnxMaker& OnnxMaker::constant(const std::string& name, const std::vector<int64_t>& dims,
                               int32_t type, const std::string& raw) {
  std::string out = tensor(name, dims, type);
  pbf_writer(out).add_bytes(9, raw);
  pbf_writer(graph_).add_message(5, out);
  return *this;
}

OnnxMaker& OnnxMaker::floats(const std::string& name, const std::vector<int64_t>& dims,
                             const std::vector<float>& values) {
  return constant(name, dims, 1, bytes_of(values));
}

OnnxMaker& OnnxMaker::integers(const std::string& name, const std::vector<int64_t>& values) {
  return constant(name, {static_cast<int64_t>(values.size())}, 7, bytes_of(values));
}

OnnxMaker& OnnxMaker::external(const std::string& name, const std::vector<int64_t>& dims) {
  std::string out = tensor(name, dims, 1);
  pbf_writer(out).add_int32(14, 1);
  pbf_writer(graph_).add_message(5, out);
  return *this;
}

OnnxMaker& OnnxMaker::node(const std::string& op, const std::vector<std::string>& inputs,
                           const std::vector<std::string>& outputs,
                           const OnnxAttributes& attributes, const std::string& domain) {
  std::string out;
  pbf_writer writer(out);
  for (const std::string& name : inputs) writer.add_string(1, name);
  for (const std::string& name : outputs) writer.add_string(2, name);
  writer.add_string(3, "." + outputs.at(0));
  writer.add_string(4, op);
  for (const auto& [name, value] : attributes) writer.add_message(5, attribute(name, value));
  writer.add_string(7, domain);
  pbf_writer(graph_).add_message(1, out);
  return *this;
}

std::string OnnxMaker::file() const {
  std::string set;
  pbf_writer(set).add_int64(2, opset);
  std::string out;
  pbf_writer writer(out);
  writer.add_int64(1, 8);
  writer.add_message(7, graph_);
  writer.add_message(8, set);
  return out;
}

}  // namespace octet::test
