#include "tests/loaders/float_export_maker.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace octet::test {

ExportedTensor exported(const std::string& name, std::vector<int64_t> shape,
                        const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return {.name = name, .dtype = "F32", .shape = std::move(shape), .bytes = std::move(bytes)};
}

ExportedTensor exported(const std::string& name, std::vector<int64_t> shape) {
  std::size_t count = 1;
  for (const int64_t extent : shape) count *= static_cast<std::size_t>(extent);
  std::vector<float> values(count);
  uint32_t state = static_cast<uint32_t>(name.size()) * 2654435761U + static_cast<uint8_t>(name[0]);
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state >> 8) / static_cast<float>(1 << 24) - 0.5f;
  }
  return exported(name, std::move(shape), values);
}

nlohmann::json header_of(const nlohmann::json& graph, const std::vector<ExportedTensor>& tensors) {
  nlohmann::json header;
  header["__metadata__"] = {{"octet.graph", graph.dump()}};
  std::size_t position = 0;
  for (const ExportedTensor& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {position, position + tensor.bytes.size()}}};
    position += tensor.bytes.size();
  }
  return header;
}

std::string safetensors(const nlohmann::json& header, const std::vector<ExportedTensor>& tensors) {
  const std::string text = header.dump();
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(uint64_t{text.size()} >> (8 * i) & 0xFF);
  file += text;
  for (const ExportedTensor& tensor : tensors) file += tensor.bytes;
  return file;
}

std::string float_export(const nlohmann::json& graph, const std::vector<ExportedTensor>& tensors) {
  return safetensors(header_of(graph, tensors), tensors);
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "octet_test_XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, const std::string& bytes) const {
  std::ofstream file(path(name), std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.good());
  return path(name);
}

std::string contents_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  INFO(path);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace octet::test
