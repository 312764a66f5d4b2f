#include "graph/passes/folding.h"

namespace octet::graph {

bool is_rounded_by_file(const Graph& graph, const Tensor& tensor) {
  return tensor.rounds ||
         (tensor.quantization &&
          (graph.keeps_rounding || graph.unscaled_is_float || graph.has_authors_borders));
}

bool is_by_channel(const Tensor& tensor, int32_t channels) {
  if (!tensor.is_constant() || tensor.type != Type::f32) return false;
  const int64_t count = element_count(tensor.shape);
  return count == 1 || (count == channels && tensor.shape.back() == channels);
}

}  // namespace octet::graph
