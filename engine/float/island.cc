#include "engine/float/island.h"

#include <algorithm>

#include "engine/float/loops.h"
#include "engine/float/step.h"
#include "engine/memory_plan.h"
#include "engine/step.h"
#if OCTET_HAS_XNNPACK
#include "engine/float/xnnpack.h"
#endif

namespace octet {
namespace {

// XNNPACK may read up to 16 bytes beyond the end of a value (XNN_EXTRA_BYTES).
constexpr std::size_t bytes_read_beyond = 16;

/// Consecutive nodes that run together: several on XNNPACK, or one as a loop.
struct Stretch {
  std::size_t first = 0;
  std::size_t count = 0;
  bool xnnpack = false;
};

/// Returns how many of the node's inputs, counted after the first, are parameters that get packed.
std::size_t parameter_count(const FloatNode& node) {
  if (const auto* layer = std::get_if<ConvAttributes>(&node.attributes))
    return layer->has_bias ? 2 : 1;
  return node.op == Op::batch_norm ? 4 : 0;
}

Bounds bounds_of(const Attributes& attributes) {
  return std::visit(
      [](const auto& a) {
        if constexpr (requires { a.bounds; }) {
          return a.bounds;
        } else {
          return Bounds{};
        }
      },
      attributes);
}

class Island final : public FloatIsland {
 public:
  Expected<void> run() override {
    for (const auto& step : steps) {
      if (auto done = step->run(); !done) return done;
    }
    return {};
  }

  std::size_t memory_bytes() const override {
    std::size_t bytes = arena_bytes;
    for (const auto& step : steps) bytes += step->memory_bytes();
    return bytes;
  }

  /// Values that do not leave the island, but are not internal to one XNNPACK runtime either.
  AlignedBuffer arena;
  std::size_t arena_bytes = 0;
  std::vector<std::unique_ptr<FloatStep>> steps;
};

class Builder {
 public:
  Builder(std::vector<FloatNode> nodes, std::vector<FloatValue> values, pthreadpool_t pool,
          const kernels::KernelTable& table, FloatBackend backend, const ThreadPool* threads)
      : nodes_(std::move(nodes)),
        values_(std::move(values)),
        pool_(pool),
        table_(table),
        backend_(backend),
        threads_(threads) {}

  Expected<std::unique_ptr<FloatIsland>> build() {
    if (auto valid = check_nodes(); !valid) return tl::unexpected(valid.error());
    partition();
    auto island = std::make_unique<Island>();
    if (auto placed = place_values(*island); !placed) return tl::unexpected(placed.error());
    for (const Stretch& stretch : stretches_) {
      auto step = make_step(stretch);
      if (!step) return tl::unexpected(step.error());
      island->steps.push_back(std::move(*step));
    }
    return island;
  }

 private:
  FloatValue& value(int32_t index) { return values_[static_cast<std::size_t>(index)]; }
  const FloatValue& value(int32_t index) const { return values_[static_cast<std::size_t>(index)]; }

  tl::unexpected<Error> wrong(const FloatNode& node, const std::string& what) const {
    return fail("float node '" + node.name + "' (" + op_name(node.op) + ") " + what);
  }

  Expected<void> check_nodes() const {
    std::vector<bool> written(values_.size(), false);
    for (const FloatNode& node : nodes_) {
      if (!has_float_form(node.op)) return wrong(node, "is no float operator");
      std::vector<Shape> shapes;
      for (const int32_t input : node.inputs) {
        if (input < 0 || static_cast<std::size_t>(input) >= values_.size()) {
          return wrong(node, "reads value " + std::to_string(input) + ", which does not exist");
        }
        const FloatValue& read = value(input);
        if (!read.constant && !read.external && !written[static_cast<std::size_t>(input)]) {
          return wrong(node, "reads value " + std::to_string(input) + " before it is written");
        }
        shapes.push_back(read.shape);
      }
      for (std::size_t i = 1; i <= parameter_count(node) && i < node.inputs.size(); ++i) {
        if (!value(node.inputs[i]).constant) return wrong(node, "has parameters that are computed");
      }
      const auto results = infer_shapes(node.op, node.attributes, shapes);
      if (!results) return wrong(node, results.error().message);
      if (node.outputs.size() != results->size())
        return wrong(node, "has another number of results");
      for (std::size_t i = 0; i < results->size(); ++i) {
        const int32_t output = node.outputs[i];
        const Shape& shape = (*results)[i];
        if (output < 0 || static_cast<std::size_t>(output) >= values_.size() ||
            value(output).constant || written[static_cast<std::size_t>(output)]) {
          return wrong(node, "writes a value that does not exist, is constant or written already");
        }
        if (const Shape& declared = value(output).shape; declared != shape)
          return wrong(node, "makes " + shape_text(shape) + ", not " + shape_text(declared));
        written[static_cast<std::size_t>(output)] = true;
      }
    }
    return {};
  }

  bool runs_on_xnnpack(const FloatNode& node) const {
    if (backend_ == FloatBackend::loops) return false;
    std::vector<Shape> shapes;
    bool computed = false;
    for (const int32_t input : node.inputs) {
      shapes.push_back(value(input).shape);
      computed = computed || !value(input).constant;
    }
    // XNNPACK packs the slopes of a prelu, so they have to be constant. Nodes that read constants
    // only run as loops.
    if (!computed || (node.op == Op::prelu && !value(node.inputs[1]).constant)) return false;
    return xnnpack_runs(node.op, node.attributes, shapes, value(node.outputs[0]).shape);
  }

  void partition() {
    // What is known of the range of each value. XNNPACK joins a clip with the node before it, and
    // fails if both together leave at most one possible value.
    std::vector<Bounds> known(values_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const FloatNode& node = nodes_[i];
      Bounds bounds = bounds_of(node.attributes);
      if (node.op == Op::clip) {
        const Bounds& before = known[static_cast<std::size_t>(node.inputs[0])];
        bounds = {.min = std::max(bounds.min, before.min), .max = std::min(bounds.max, before.max)};
      }
      known[static_cast<std::size_t>(node.outputs[0])] = bounds;
      const bool xnnpack = bounds.min < bounds.max && runs_on_xnnpack(node);
      if (xnnpack && !stretches_.empty() && stretches_.back().xnnpack) {
        ++stretches_.back().count;
      } else {
        stretches_.push_back({.first = i, .count = 1, .xnnpack = xnnpack});
      }
    }
  }

  /// The stretch that writes a value, and the last one that reads or writes it (-1: none).
  struct Use {
    int writer = -1;
    int last = -1;
    bool read = false;
  };

  std::vector<Use> uses() const {
    std::vector<Use> uses(values_.size());
    for (std::size_t s = 0; s < stretches_.size(); ++s) {
      for (std::size_t n = 0; n < stretches_[s].count; ++n) {
        const FloatNode& node = nodes_[stretches_[s].first + n];
        for (const int32_t input : node.inputs) {
          Use& use = uses[static_cast<std::size_t>(input)];
          use.last = static_cast<int>(s);
          use.read = true;
        }
        for (const int32_t output : node.outputs) {
          Use& use = uses[static_cast<std::size_t>(output)];
          use.writer = use.last = static_cast<int>(s);
        }
      }
    }
    return uses;
  }

  /// Gives memory in the arena to each value that is passed between stretches. A value that nobody
  /// reads gets some, too: XNNPACK drops an internal value that has no readers, but not the node
  /// that writes it.
  Expected<void> place_values(Island& island) {
    std::vector<BufferLifetime> lifetimes;
    std::vector<std::size_t> placed;
    const std::vector<Use> all_uses = uses();
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const Use& use = all_uses[i];
      if (values_[i].external || use.writer < 0) continue;
      const bool stays = stretches_[static_cast<std::size_t>(use.writer)].xnnpack &&
                         use.last == use.writer && use.read;
      if (stays) continue;
      placed.push_back(i);
      const auto count = static_cast<std::size_t>(element_count(values_[i].shape));
      lifetimes.push_back({.size = count * sizeof(float) + bytes_read_beyond,
                           .first_step = use.writer,
                           .last_step = use.last});
    }
    const MemoryPlan plan = plan_memory(lifetimes);
    auto arena = AlignedBuffer::allocate(plan.size);
    if (!arena) return tl::unexpected(arena.error());
    island.arena = std::move(*arena);
    island.arena_bytes = plan.size;
    for (std::size_t i = 0; i < placed.size(); ++i) {
      values_[placed[i]].external = reinterpret_cast<float*>(island.arena.data() + plan.offsets[i]);
    }
    return {};
  }

  FloatStepResult make_step(const Stretch& stretch) const {
#if OCTET_HAS_XNNPACK
    if (stretch.xnnpack) {
      return create_xnnpack_step(std::span(nodes_).subspan(stretch.first, stretch.count), values_,
                                 pool_);
    }
#endif
    const FloatNode& node = nodes_[stretch.first];
    auto step = create_loop_step(node, values_, pool_, table_, threads_);
    if (!step) return wrong(node, step.error().message);
    return step;
  }

  std::vector<FloatNode> nodes_;
  std::vector<FloatValue> values_;
  pthreadpool_t pool_;
  const kernels::KernelTable& table_;
  FloatBackend backend_;
  const ThreadPool* threads_;
  std::vector<Stretch> stretches_;
};

}  // namespace

Expected<std::unique_ptr<FloatIsland>> create_float_island(
    std::vector<FloatNode> nodes, std::vector<FloatValue> values, pthreadpool_t pool,
    const kernels::KernelTable& table, FloatBackend backend, const ThreadPool* threads) {
  return Builder(std::move(nodes), std::move(values), pool, table, backend, threads).build();
}

Expected<std::unique_ptr<FloatIsland>> FloatIsland::create(std::vector<FloatNode> nodes,
                                                           std::vector<FloatValue> values,
                                                           const ThreadPool& threads,
                                                           const kernels::KernelTable& table,
                                                           bool exact) {
  const bool can_be_exact =
      std::ranges::all_of(nodes, [](const FloatNode& node) { return is_exact_in_float(node.op); });
  if (exact && can_be_exact) {
    return create_float_island(std::move(nodes), std::move(values), nullptr, table,
                               FloatBackend::loops, &threads);
  }
  return create_float_island(std::move(nodes), std::move(values), threads.handle(), table,
                             FloatBackend::fastest, &threads);
}

}  // namespace octet
