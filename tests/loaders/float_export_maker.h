// Makes float exports in a test: the metadata as JSON, the tensors as bytes.
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

/// A tensor with these F32 values.
ExportedTensor exported(const std::string& name, std::vector<int64_t> shape,
                        const std::vector<float>& values);
/// A tensor with F32 values that follow from the name and the position.
ExportedTensor exported(const std::string& name, std::vector<int64_t> shape);

/// Returns the safetensors header that describes the tensors, one after another, with `graph` as
/// octet.graph.
nlohmann::json header_of(const nlohmann::json& graph, const std::vector<ExportedTensor>& tensors);

/// Returns a whole file.
std::string safetensors(const nlohmann::json& header, const std::vector<ExportedTensor>& tensors);
std::string float_export(const nlohmann::json& graph, const std::vector<ExportedTensor>& tensors);

/// A folder that is removed with its contents when the object is destroyed.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(const std::string& name) const { return path_ + "/" + name; }
  /// Writes a file. Returns its path.
  std::string write(const std::string& name, const std::string& bytes) const;

 private:
  std::string path_;
};

std::string contents_of(const std::string& path);

}  // namespace octet::test
