// Float exports made in a test: the metadata as JSON, the tensors as bytes.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace octet::test {

struct ExportedTensor {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  std::string bytes;
};

/// F32 values.
ExportedTensor exported(const std::string& name, std::vector<int64_t> shape,
                        const std::vector<float>& values);
/// F32 values that follow from the name and the position.
ExportedTensor exported(const std::string& name, std::vector<int64_t> shape);

/// The safetensors header that describes the tensors, one after another, and `graph` as
/// octet.graph.
nlohmann::json header_of(const nlohmann::json& graph, const std::vector<ExportedTensor>& tensors);

/// A whole file.
std::string safetensors(const nlohmann::json& header, const std::vector<ExportedTensor>& tensors);
std::string float_export(const nlohmann::json& graph, const std::vector<ExportedTensor>& tensors);

/// A folder that goes with the object, and what is in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(const std::string& name) const { return path_ + "/" + name; }
  /// -> the file's path
  std::string write(const std::string& name, const std::string& bytes) const;

 private:
  std::string path_;
};

std::string contents_of(const std::string& path);

}  // namespace octet::test
