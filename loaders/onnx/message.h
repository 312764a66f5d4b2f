// Reads a protobuf message field by field. protozero trusts its caller to know the type of a field.
// Here a field of another wire type is an error, because the file is not trusted.
#pragma once

#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "loaders/load_error.h"

namespace octet::loaders::onnx {

class Message {
 public:
  explicit Message(protozero::pbf_reader reader) : reader_(reader) {}

  bool next() { return reader_.next(); }
  uint32_t field() const { return reader_.tag(); }
  void skip() { reader_.skip(); }

  std::string text() { return std::string(bytes()); }
  std::string_view bytes() {
    expect(protozero::pbf_wire_type::length_delimited);
    const protozero::data_view view = reader_.get_view();
    return {view.data(), view.size()};
  }
  Message message() {
    expect(protozero::pbf_wire_type::length_delimited);
    return Message(reader_.get_message());
  }
  int64_t int64() {
    expect(protozero::pbf_wire_type::varint);
    return reader_.get_int64();
  }
  int32_t int32() {
    expect(protozero::pbf_wire_type::varint);
    return reader_.get_int32();
  }
  float float32() {
    expect(protozero::pbf_wire_type::fixed32);
    return reader_.get_float();
  }

  // Repeated numbers are packed, or one field each, as older writers do it.
  void append_float32(std::vector<float>& to) {
    if (is_packed()) return append(to, reader_.get_packed_float());
    to.push_back(float32());
  }
  void append_float64(std::vector<double>& to) {
    if (is_packed()) return append(to, reader_.get_packed_double());
    expect(protozero::pbf_wire_type::fixed64);
    to.push_back(reader_.get_double());
  }
  void append_int64(std::vector<int64_t>& to) {
    if (is_packed()) return append(to, reader_.get_packed_int64());
    to.push_back(int64());
  }

 private:
  bool is_packed() const {
    return reader_.wire_type() == protozero::pbf_wire_type::length_delimited;
  }
  void expect(protozero::pbf_wire_type type) const {
    if (reader_.wire_type() == type) return;
    throw LoadError("this ONNX file is damaged: field " + std::to_string(field()) +
                    " of a message has another type than ONNX gives it");
  }
  template <class T, class Values>
  static void append(std::vector<T>& to, const Values& values) {
    to.insert(to.end(), values.begin(), values.end());
  }

  protozero::pbf_reader reader_;
};

}  // namespace octet::loaders::onnx
