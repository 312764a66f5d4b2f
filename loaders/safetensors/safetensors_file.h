// The safetensors container: named arrays, and a metadata object of texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace octet::loaders {

struct SafeTensor {
  std::string dtype;  ///< "F32", "F16", "BF16", "I8", ...
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
};

struct SafetensorsFile {
  std::map<std::string, SafeTensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Whether this is a safetensors file, judged by its first bytes.
bool looks_like_safetensors(std::span<const std::byte> file);

/// Parses the container. Spans point into `file`. Throws LoadError if the header is out of bounds
/// or no JSON, if offsets overlap, leave a gap or leave the file, or if a size does not match shape
/// and type.
SafetensorsFile parse_safetensors(std::span<const std::byte> file);

}  // namespace octet::loaders
