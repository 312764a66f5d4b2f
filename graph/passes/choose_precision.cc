#include <algorithm>
#include <cmath>

#include "engine/operator_table.h"
#include "graph/passes/folding.h"
#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

constexpr std::size_t listed_at_most = 20;
constexpr const char* asked_by_user = "asked by the user";
constexpr const char* asked_by_author = "asked by the model's author";

// Whether the node reads an activation that can be quantized, as int8 kernels do. A constant is
// allowed only beside an activation, where lower_to_int8 quantizes it.
bool reads_quantizable(const Graph& graph, const Node& node) {
  const auto quantizable = [&](TensorId id) {
    return !graph.tensor(id).is_constant() && graph.tensor(id).type != Type::s32;
  };
  const bool binary = node.op == Op::add || node.op == Op::sub || node.op == Op::mul;
  return quantizable(node.inputs[0]) || (binary && quantizable(node.inputs[1]));
}

// Whether the node computes with whole numbers, or converts between them and floats. Such nodes are
// exact as they are. Nodes that only move whole numbers, and argmax, do not count.
bool computes_whole_numbers(const Graph& graph, const Node& node) {
  return node.op == Op::cast ||
         (!takes_operands_type(node) && graph.tensor(node.outputs[0]).type == Type::s32);
}

// Whether a prelu becomes a part of the int8 layer that it reads (fuse_functions), and some layer
// reads its bytes. In float it would be more exact, and nothing is gained for an output.
bool goes_into_layer(const Graph& graph, const Node& prelu) {
  const int producer = graph.producer_of(prelu.inputs[0]);
  const TensorId result = prelu.output();
  if (producer < 0 || !graph.tensor(prelu.inputs[1]).is_constant() || graph.is_output(result) ||
      !graph.tensor(result).quantization || is_rounded_by_file(graph, graph.tensor(result)))
    return false;
  const auto index = static_cast<int>(&prelu - graph.nodes.data());
  return can_take_function(graph, graph.nodes[static_cast<std::size_t>(producer)], index) &&
         std::ranges::any_of(graph.readers_of(result), [&](int reader) {
           return is_layer(graph.nodes[static_cast<std::size_t>(reader)]);
         });
}

// Returns "" if the node has an int8 form, and otherwise why it has none.
std::string why_no_int8(const Graph& graph, const Node& node) {
  if (computes_whole_numbers(graph, node)) return "whole numbers, which are computed exactly";
  if (!takes_operands_type(node) && !reads_quantizable(graph, node))
    return "no int8 form: it reads a constant or indices";
  switch (kind_of(node.op)) {
    case Kind::conv2d:
    case Kind::linear: {
      const auto& a = std::get<ConvAttributes>(node.attributes);
      if (!graph.tensor(node.inputs[1]).is_constant())
        return "no int8 form: its weights are computed";
      if (a.has_bias && !graph.tensor(node.inputs[2]).is_constant())
        return "no int8 form: its bias is computed";
      return "";
    }
    case Kind::softmax: {
      const auto rank = static_cast<int32_t>(graph.tensor(node.inputs[0]).shape.size());
      const bool last = std::get<AxisAttributes>(node.attributes).axis == rank - 1;
      return last ? "" : "no int8 form: softmax over another axis than the last";
    }
    case Kind::average_pool:
      return average_pool_fits(std::get<PoolAttributes>(node.attributes),
                               graph.tensor(node.inputs[0]).shape)
                 ? ""
                 : "no int8 form: sums of so many pixels could leave 32 bits";
    case Kind::log_softmax:
      return "no int8 form: logarithms of small probabilities, which 256 values do not tell apart";
    case Kind::resize:
      return moves_bytes(node) ? "" : "no int8 form: bilinear resizing";
    case Kind::arithmetic:
      switch (row_of(node.op).arithmetic) {
        case Arithmetic::add:
        case Arithmetic::sub:
        case Arithmetic::mul:
        case Arithmetic::floor_div:  // of whole numbers
          return "";
        case Arithmetic::div:
          return "no int8 form: division by a computed tensor";
      }
      return "";
    case Kind::mean:
      return "no int8 form: a mean over other axes than height and width";
    case Kind::batch_norm:
      return "no int8 form: a batch norm with computed parameters";
    case Kind::prelu:
      return goes_into_layer(graph, node)
                 ? ""
                 : "no int8 form: prelu with a slope a channel, whose layer cannot compute it";
    case Kind::max_pool:
    case Kind::argmax:
    case Kind::concat:
    case Kind::slice:
    case Kind::pad:
    case Kind::reshape:
    case Kind::transpose:
    case Kind::clip:
    case Kind::lookup:
    case Kind::quantize:
    case Kind::dequantize:
    case Kind::requantize:
    case Kind::function:  // becomes a table
    case Kind::cast:      // handled above: whole numbers
    case Kind::gather_nd:
    case Kind::top_k:
    case Kind::identity:
      break;
  }
  return "";
}

bool wished(const std::string& wish, const Node& node) {
  return names_node(wish, node.name) ||
         std::ranges::any_of(node.fused,
                             [&](const std::string& name) { return names_node(wish, name); });
}

void apply_wishes(Graph& graph, const std::vector<std::string>& wishes, const char* reason) {
  for (const std::string& wish : wishes) {
    for (Node& node : graph.nodes) {
      if (!wished(wish, node)) continue;
      node.precision = Precision::float32;
      node.reason = reason;
    }
  }
}

// Keeps a pad in float if the bytes of its operand cannot represent its value (such as -1 around
// pixels from 0 to 1). Whoever reads its result then quantizes it with the scale that was
// calibrated for the whole result. A value below all others is no problem if only max pools read
// the result: they take the lowest byte for it.
void keep_pads_beyond_operand_float(Graph& graph) {
  for (Node& node : graph.nodes) {
    const auto* pad = std::get_if<PadAttributes>(&node.attributes);
    const auto& q = graph.tensor(node.inputs[0]).quantization;
    if (pad == nullptr || !q || node.precision != Precision::undecided ||
        !std::isfinite(pad->value))
      continue;
    const float level = pad->value / q->scale + static_cast<float>(q->zero_point);
    const bool for_maximum =
        level < 0 && std::ranges::all_of(
                         graph.readers_of(node.output()),
                         [&](int reader) {
                           return graph.nodes[static_cast<std::size_t>(reader)].op == Op::max_pool;
                         });
    if (for_maximum || (level > -1 && level < 256)) continue;
    node.precision = Precision::float32;
    node.reason =
        "it pads with " + text_of(pad->value) + ", which its operand's bytes do not reach";
  }
}

// If a user or the author keeps a node in float, nodes that read only such results stay in float as
// well, up to the next layer, which has to quantize its operand anyway, or the next sum with an
// int8 operand. Bytes in between would lose the precision that the wish asked for. If the author
// drew borders, those say where bytes begin again.
void apply_wishes_onwards(Graph& graph) {
  const bool authors_wishes_too = !graph.has_authors_borders && !graph.keeps_rounding;
  // Returns who asked for the writer of the tensor to be in float, the user or the author; null if
  // nobody did.
  const auto wish_behind = [&](TensorId id) -> const char* {
    const int producer = graph.producer_of(id);
    if (producer < 0) return nullptr;
    const std::string& reason = graph.nodes[static_cast<std::size_t>(producer)].reason;
    if (reason.starts_with(asked_by_user)) return asked_by_user;
    return authors_wishes_too && reason.starts_with(asked_by_author) ? asked_by_author : nullptr;
  };
  for (Node& node : graph.nodes) {
    if (node.precision != Precision::undecided || is_layer(node)) continue;
    const char* wish = nullptr;
    bool all_kept = true;
    for (const TensorId id : moved_operands(node)) {
      if (graph.tensor(id).is_constant()) continue;
      const char* behind = wish_behind(id);
      if (behind != nullptr) wish = behind;
      all_kept = all_kept && behind != nullptr;
    }
    // A concat with one such operand stays in float as well: otherwise it would round that operand
    // once more, to a scale that it shares with the others.
    if (wish == nullptr || !(all_kept || node.op == Op::concat)) continue;
    node.precision = Precision::float32;
    node.reason = std::string(wish) + ": it reads what is kept in float";
  }
}

// Whether the node may stand between convolutions and float outputs, and can run on float32 as
// well.
bool is_tail_op(const Node& node) {
  return (takes_operands_type(node) && node.op != Op::max_pool && node.op != Op::argmax) ||
         node.op == Op::softmax;
}

// Whether the layer can store float32. Its kernel can, unless it adds a residual. But if the author
// drew a border and gave the output a scale, the author wants the output rounded to it.
bool can_store_float(const Graph& graph, const Node& layer) {
  const bool rounded_by_wish =
      graph.has_authors_borders && graph.tensor(layer.output()).quantization.has_value();
  return !std::get<ConvAttributes>(layer.attributes).has_residual && !rounded_by_wish;
}

// Collects the tail nodes above `id` in `tail`. Returns false unless they all begin at layers that
// can store float32, or at float nodes.
bool collect_tail(const Graph& graph, TensorId id, std::vector<int>& tail) {
  const int index = graph.producer_of(id);
  if (index < 0) return false;
  const Node& node = graph.nodes[static_cast<std::size_t>(index)];
  if (is_layer(node)) return can_store_float(graph, node);
  if (node.precision == Precision::float32) return true;
  if (!is_tail_op(node) || std::ranges::count(moved_results(node), id) == 0) return false;
  // Each node is visited once. Otherwise branches that join again and again would take exponential
  // time.
  if (std::ranges::count(tail, index) > 0) return true;
  tail.push_back(index);
  return std::ranges::all_of(moved_operands(node),
                             [&](TensorId input) { return collect_tail(graph, input, tail); });
}

// Whether only tail nodes and float nodes read the tensors inside the tail and the layer outputs
// that feed it.
bool is_closed(const Graph& graph, const std::vector<int>& tail) {
  const auto in_tail = [&](int reader) {
    return std::ranges::count(tail, reader) > 0 ||
           graph.nodes[static_cast<std::size_t>(reader)].precision == Precision::float32;
  };
  for (const int index : tail) {
    const Node& node = graph.nodes[static_cast<std::size_t>(index)];
    for (const auto& ids : {moved_results(node), moved_operands(node)}) {
      for (const TensorId id : ids) {
        if (!std::ranges::all_of(graph.readers_of(id), in_tail)) return false;
      }
    }
  }
  return true;
}

void keep_tails_in_float(Graph& graph) {
  for (const TensorId output : graph.outputs) {
    std::vector<int> tail;
    if (!collect_tail(graph, output, tail) || !is_closed(graph, tail)) continue;
    for (const int index : tail) {
      Node& node = graph.nodes[static_cast<std::size_t>(index)];
      node.precision = Precision::float32;
      node.reason = "output wanted in float: it comes straight from a convolution's accumulators";
    }
  }
}

bool reads_int8(const Graph& graph, const Node& node) {
  return std::ranges::any_of(moved_operands(node), [&](TensorId id) {
    const int producer = graph.producer_of(id);
    if (producer >= 0)
      return graph.nodes[static_cast<std::size_t>(producer)].precision == Precision::int8;
    return graph.is_input(id) && graph.tensor(id).quantization.has_value();
  });
}

// Whether a constant that the author left in float in a sum or product would change in bytes. It
// does not if all its values are levels of one scale; a constant with one value always is.
bool loses_constant(const Graph& graph, const Node& node) {
  if (node.op != Op::add && node.op != Op::sub && node.op != Op::mul) return false;
  return std::ranges::any_of(node.inputs, [&](TensorId id) {
    const Tensor& tensor = graph.tensor(id);
    if (!tensor.is_constant() || tensor.quantization || tensor.type != Type::f32) return false;
    const auto values = float_values(tensor);
    const Quantization finest = finest_scale(values);
    return !std::ranges::all_of(values, [&](float v) { return is_level(finest, v); });
  });
}

// For a model whose author chose all scales: returns "" if the node has all scales that int8 needs,
// and otherwise what it lacks.
std::string what_lacks_scale(const Graph& graph, const Node& node) {
  const auto unscaled = [&](TensorId id) {
    const Tensor& tensor = graph.tensor(id);
    return !tensor.is_constant() && tensor.type != Type::s32 && !tensor.quantization;
  };
  const bool float_result =
      node.op == Op::softmax || (is_layer(node) && can_store_float(graph, node));
  if (std::ranges::any_of(node.inputs, unscaled) ||
      (std::ranges::any_of(node.outputs, unscaled) && !float_result))
    return "a tensor of it has no scale";
  if (is_layer(node) && graph.tensor(node.inputs[1]).type == Type::f32 && !node.weight_quantization)
    return "its weights are floats";
  if (loses_constant(graph, node)) return "a constant of it is floats";
  return "";
}

void decide_the_rest(Graph& graph) {
  for (Node& node : graph.nodes) {
    if (node.precision != Precision::undecided) continue;
    const std::string reason = why_no_int8(graph, node);
    const std::string lacks = graph.unscaled_is_float ? what_lacks_scale(graph, node) : "";
    if (!reason.empty()) {
      node.precision = Precision::float32;
      node.reason = reason;
    } else if (!lacks.empty()) {
      node.precision = Precision::float32;
      node.reason = std::string(left_in_float) + ": " + lacks;
    } else if (takes_operands_type(node) && !reads_int8(graph, node)) {
      node.precision = Precision::float32;
      node.reason = graph.tensor(node.inputs[0]).type == Type::s32 ? "only moves whole numbers"
                                                                   : "only moves what is float";
    } else {
      node.precision = Precision::int8;
    }
  }
}

// Makes int8 layers store float32 if only float nodes and outputs read them. They then need no
// scale for their result.
void choose_float_outputs(Graph& graph) {
  for (Node& node : graph.nodes) {
    if (node.precision != Precision::int8 || (node.op != Op::softmax && !is_layer(node))) continue;
    const auto readers = graph.readers_of(node.output());
    const bool float_readers = std::ranges::all_of(readers, [&](int reader) {
      return graph.nodes[static_cast<std::size_t>(reader)].precision == Precision::float32;
    });
    if (!float_readers) continue;
    const bool free_layer = is_layer(node) && can_store_float(graph, node);
    // If the author gave the result of a softmax a scale, the author rounds it.
    const bool rounded =
        graph.has_authors_borders && graph.tensor(node.output()).quantization.has_value();
    node.float_output = (node.op == Op::softmax && !rounded) || free_layer;
    if (free_layer) node.reason = "float32 output straight from the accumulators";
  }
}

// Whether the model was prepared or quantized by its author, so that the exporter observed nothing
// itself.
bool has_authors_scales(const Graph& graph) {
  return graph.has_authors_borders || std::ranges::any_of(graph.nodes, [](const Node& node) {
           return node.weight_quantization.has_value();
         });
}

Status check_calibration(const Graph& graph) {
  std::vector<TensorId> missing;
  const auto need = [&](TensorId id) {
    const Tensor& tensor = graph.tensor(id);
    if (tensor.is_constant() || tensor.type == Type::s32 || tensor.quantization ||
        std::ranges::count(missing, id) > 0)
      return;
    missing.push_back(id);
  };
  for (const Node& node : graph.nodes) {
    if (node.precision != Precision::int8) continue;
    for (const TensorId id : node.inputs) need(id);
    if (node.float_output) continue;
    for (const TensorId id : node.outputs) need(id);
  }
  if (missing.empty()) return {};
  std::string text =
      graph.name + ": no calibration scale for " + std::to_string(missing.size()) +
      (missing.size() == 1 ? " tensor that int8 needs:" : " tensors that int8 needs:");
  for (std::size_t i = 0; i < std::min(missing.size(), listed_at_most); ++i) {
    const int producer = graph.producer_of(missing[i]);
    text += "\n  '" + graph.tensor(missing[i]).name + "', " +
            (producer < 0 ? "an input"
                          : std::string("written by ") +
                                op_name(graph.nodes[static_cast<std::size_t>(producer)].op) + " '" +
                                graph.nodes[static_cast<std::size_t>(producer)].name + "'");
  }
  if (missing.size() > listed_at_most) text += "\n  and more";
  const std::string remedy =
      !graph.calibration_remedy.empty() ? graph.calibration_remedy
      : has_authors_scales(graph)
          ? "The scales of this model are its author's observers: give each of these results one "
            "(a qconfig for its module, FloatFunctional instead of + and torch.cat), calibrate the "
            "prepared model and export it again,"
          : "Export the model again with calibration (octet_export.export(..., calibration=...)), "
            "let octet calibrate it (octet convert --calibrate DIR),";
  return fail(text + "\n" + remedy +
              " keep these nodes in float (--keep-float NAME), or convert all of it in float "
              "(--float).");
}

}  // namespace

bool names_node(const std::string& wish, const std::string& name) {
  return name == wish ||
         (name.size() > wish.size() && name.starts_with(wish) && name[wish.size()] == '.');
}

Status choose_precision(Graph& graph, const BuildOptions& options) {
  if (options.float_only) {
    for (Node& node : graph.nodes) {
      node.precision = Precision::float32;
      node.reason = "asked by the user: a float model";
    }
    return {};
  }
  apply_wishes(graph, graph.keep_float, asked_by_author);
  apply_wishes(graph, options.keep_float, asked_by_user);
  apply_wishes_onwards(graph);
  if (!graph.unscaled_is_float && !graph.has_authors_borders && !graph.keeps_rounding) {
    keep_pads_beyond_operand_float(graph);
    if (auto ok = keep_quantities_apart(graph); !ok) return ok;
  }
  keep_tails_in_float(graph);
  decide_the_rest(graph);
  choose_float_outputs(graph);
  return check_calibration(graph);
}

}  // namespace octet::graph
