// Makes ONNX files in a test, in protobuf's wire format.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace octet::test {

// TensorProto's numbers for types.
constexpr int32_t uint8_type = 2;
constexpr int32_t int8_type = 3;

/// A whole number, a float, whole numbers, or a text.
using OnnxAttribute = std::variant<int64_t, float, std::vector<int64_t>, std::string>;
using OnnxAttributes = std::vector<std::pair<std::string, OnnxAttribute>>;

class OnnxMaker {
 public:
  /// Adds an input. An extent below 0 is dynamic and has the name 'd'. `type` is TensorProto's: 1
  /// is float32.
  OnnxMaker& input(const std::string& name, const std::vector<int64_t>& dims, int32_t type = 1);
  OnnxMaker& output(const std::string& name);
  /// Adds a constant. `raw` has its values as bytes.
  OnnxMaker& constant(const std::string& name, const std::vector<int64_t>& dims, int32_t type,
                      const std::string& raw);
  OnnxMaker& floats(const std::string& name, const std::vector<int64_t>& dims,
                    const std::vector<float>& values);
  OnnxMaker& integers(const std::string& name, const std::vector<int64_t>& values);
  /// Adds a constant whose values are in another file.
  OnnxMaker& external(const std::string& name, const std::vector<int64_t>& dims);
  /// Adds a node. Its name is a '.' and the name of its first output.
  OnnxMaker& node(const std::string& op, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs, const OnnxAttributes& attributes = {},
                  const std::string& domain = "");

  int64_t opset = 17;
  std::string file() const;

 private:
  std::string graph_;
};

}  // namespace octet::test
