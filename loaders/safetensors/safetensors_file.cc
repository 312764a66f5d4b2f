#include "loaders/safetensors/safetensors_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "loaders/load_error.h"

namespace octet::loaders {
namespace {

using nlohmann::json;

constexpr uint64_t length_bytes = 8;
constexpr uint64_t max_header = 100'000'000;  // the format's own limit

uint64_t read_length(std::span<const std::byte> file) {
  uint64_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i)
    length |= uint64_t{static_cast<uint8_t>(file[i])} << (8 * i);
  return length;
}

std::size_t element_size(const std::string& name, const std::string& dtype) {
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16") return 2;
  if (dtype == "I8" || dtype == "U8" || dtype == "BOOL") return 1;
  throw LoadError("tensor '" + name + "' has the unknown type '" + dtype + "'");
}

uint64_t unsigned_number(const json& value, const std::string& what) {
  if (!value.is_number_unsigned()) throw LoadError(what + " is not a non-negative whole number");
  return value.get<uint64_t>();
}

struct Extent {
  uint64_t begin;
  uint64_t end;
  std::string name;
};

SafeTensor parse_tensor(const std::string& name, const json& entry,
                        std::span<const std::byte> values, std::vector<Extent>& extents) {
  const std::string where = "tensor '" + name + "': ";
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string() ||
      !entry.contains("shape") || !entry["shape"].is_array() || !entry.contains("data_offsets") ||
      !entry["data_offsets"].is_array() || entry["data_offsets"].size() != 2) {
    throw LoadError(where + "its entry needs dtype, shape and data_offsets");
  }
  SafeTensor tensor{.dtype = entry["dtype"].get<std::string>()};
  uint64_t size = element_size(name, tensor.dtype);
  for (const json& extent : entry["shape"]) {
    const uint64_t e = unsigned_number(extent, where + "an extent of its shape");
    if (e != 0 && size > values.size() / e + 1)
      throw LoadError(where + "its shape is larger than the file");
    size *= e;
    tensor.shape.push_back(static_cast<int64_t>(e));
  }
  const uint64_t begin = unsigned_number(entry["data_offsets"][0], where + "its offset");
  const uint64_t end = unsigned_number(entry["data_offsets"][1], where + "its offset");
  if (begin > end || end > values.size())
    throw LoadError(where + "its offsets lie outside the file");
  if (end - begin != size) {
    throw LoadError(where + "it has " + std::to_string(end - begin) +
                    " bytes, but its shape needs " + std::to_string(size));
  }
  tensor.bytes = values.subspan(begin, size);
  extents.push_back({begin, end, name});
  return tensor;
}

void check_tiling(std::vector<Extent> extents, uint64_t size) {
  std::ranges::sort(extents, [](const Extent& a, const Extent& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t position = 0;
  for (const Extent& extent : extents) {
    if (extent.begin != position) {
      throw LoadError("tensor '" + extent.name +
                      "': its values overlap another tensor's or leave a gap");
    }
    position = extent.end;
  }
  if (position != size) throw LoadError("the file is longer than its tensors: it is damaged");
}

}  // namespace

bool looks_like_safetensors(std::span<const std::byte> file) {
  return file.size() > length_bytes && file[length_bytes] == std::byte{'{'} &&
         read_length(file) <= max_header;
}

SafetensorsFile parse_safetensors(std::span<const std::byte> file) {
  if (file.size() < length_bytes) throw LoadError("the file is too short for a safetensors header");
  const uint64_t length = read_length(file);
  if (length > max_header || length > file.size() - length_bytes) {
    throw LoadError("the header is longer than the file: it is cut off or damaged");
  }
  const auto* text = reinterpret_cast<const char*>(file.data()) + length_bytes;
  const json header = json::parse(text, text + length, nullptr, false);
  if (!header.is_object()) throw LoadError("the header is not a JSON object: the file is damaged");

  SafetensorsFile out;
  const auto values = file.subspan(length_bytes + length);
  std::vector<Extent> extents;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) throw LoadError("__metadata__ is not an object");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) throw LoadError("__metadata__ '" + key + "' is not a text");
        out.metadata[key] = value.get<std::string>();
      }
      continue;
    }
    out.tensors[name] = parse_tensor(name, entry, values, extents);
  }
  check_tiling(std::move(extents), values.size());
  return out;
}

}  // namespace octet::loaders
