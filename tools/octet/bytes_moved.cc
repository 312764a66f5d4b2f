#include "tools/octet/bytes_moved.h"

#include "engine/operator.h"

namespace octet::tool {
namespace {

std::size_t bytes_of(const TensorInfo& info) {
  return static_cast<std::size_t>(element_count(info.shape)) * type_size(info.type);
}

}  // namespace

std::size_t bytes_moved(const NodeInfo& node) {
  auto bytes = static_cast<std::size_t>(node.weight_bytes);
  for (const TensorInfo& input : node.inputs) bytes += bytes_of(input);
  for (const TensorInfo& output : node.outputs) bytes += bytes_of(output);
  return bytes;
}

}  // namespace octet::tool
