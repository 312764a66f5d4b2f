// ONNX files made in a test, in protobuf's wire format.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace octet::test {

// TensorProto's names of types.
constexpr int32_t uint8_type = 2;
constexpr int32_t int8_type = 3;

/// A whole number, a float, whole numbers, or a text.
using OnnxAttribute = std::variant<int64_t, float, std::vector<int64_t>, std::string>;
using OnnxAttributes = std::vector<std::pair<std::string, OnnxAttribute>>;

class OnnxMaker {
 public:
  /// An extent below 0 is dynamic, and has the name 'd'. `type` is TensorProto's: 1 is float32.
  OnnxMaker& input(const std::string& name, const std::vector<int64_t>& dims, int32_t type = 1);
  OnnxMaker& output(const std::string& name);
  /// `raw` is the values as bytes.
  OnnxMaker& constant(const std::string& name, const std::vector<int64_t>& dims, int32_t type,
                      const std::string& raw);
  OnnxMaker& floats(const std::string& name, const std::vector<int64_t>& dims,
                    const std::vector<float>& values);
  OnnxMaker& integers(const std::string& name, const std::vector<int64_t>& values);
  /// Values in another file.
  OnnxMaker& external(const std::string& name, const std::vector<int64_t>& dims);
  /// The node's name is its first output's with a '.' before it.
  OnnxMaker& node(const std::string& op, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs, const OnnxAttributes& attributes = {},
                  const std::string& domain = "");

  int64_t opset = 17;
  std::string file() const;

 private:
  std::string graph_;
};

}  // namespace octet::test
