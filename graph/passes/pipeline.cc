#include <algorithm>
#include <array>

#include "graph/passes/passes.h"

namespace octet::graph {

namespace {

Status run_passes(Graph& graph, const BuildOptions& options) {
  using Pass = Status (*)(Graph&);
  constexpr std::array<Pass, 9> float_passes = {
      drop_dead_nodes,     absorb_quantize_nodes, canonicalise,
      fold_space_to_depth, recognise_functions,   fold_bias_add,
      fold_affine,         fuse_activation,       fuse_residual_add,
  };
  constexpr std::array<Pass, 6> int8_passes = {
      unify_scales, fuse_functions, read_pixels, scale_channels, place_quantize, lower_to_int8,
  };
  graph.functions_as_tables = options.tables;
  if (graph.unscaled_is_float) {
    if (options.float_only) {
      if (auto ok = saturate(graph); !ok) return ok;
    } else {
      for (Tensor& tensor : graph.tensors) tensor.rounds = tensor.quantization.has_value();
    }
  }
  for (const Pass pass : float_passes) {
    if (auto ok = pass(graph); !ok) return ok;
  }
  if (!options.float_only) {
    if (auto ok = propagate_scales(graph); !ok) return ok;
  }
  if (auto ok = choose_precision(graph, options); !ok) return ok;
  for (const Pass pass : int8_passes) {
    if (auto ok = pass(graph); !ok) return ok;
  }
  return drop_dead_nodes(graph);
}

// The last pass, and what it leaves without readers.
Status round_rest(Graph& graph) {
  if (auto ok = quantize_weights(graph); !ok) return ok;
  return drop_dead_nodes(graph);
}

// Checks the wishes against the author's nodes, before any pass renames or removes one.
Status check_wishes(const Graph& graph, const std::vector<std::string>& wishes) {
  for (const std::string& wish : wishes) {
    const auto names = [&](const Node& node) { return names_node(wish, node.name); };
    if (std::ranges::any_of(graph.nodes, names)) continue;
    return fail(graph.name + ": --keep-float names '" + wish +
                "', but no node or module has that name; `octet inspect` lists the nodes of a "
                "converted model");
  }
  return {};
}

}  // namespace

Status run_pipeline(Graph& graph, const BuildOptions& options) {
  if (auto ok = run_passes(graph, options); !ok) return ok;
  return round_rest(graph);
}

Expected<Graph> lower(Graph graph, const BuildOptions& options) {
  if (auto ok = check(graph); !ok) return fail(graph.name + ": " + ok.error().message);
  if (auto ok = check_wishes(graph, options.keep_float); !ok) return tl::unexpected(ok.error());
  graph.task.score_type = score_type(graph);
  if (auto ok = run_passes(graph, options); !ok) return tl::unexpected(ok.error());
  return graph;
}

Expected<std::vector<std::byte>> finish_model(Graph lowered) {
  if (auto ok = round_rest(lowered); !ok) return tl::unexpected(ok.error());
  if (auto ok = check(lowered); !ok) return fail(lowered.name + ": " + ok.error().message);
  return write_model(lowered);
}

Expected<std::vector<std::byte>> build_model(Graph graph, const BuildOptions& options) {
  auto lowered = lower(std::move(graph), options);
  if (!lowered) return tl::unexpected(lowered.error());
  return finish_model(std::move(*lowered));
}

}  // namespace octet::graph
