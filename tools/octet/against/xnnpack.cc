// The model's layers, weights, scales and zero points on XNNPACK's int8 operators.
//
// octet's u8 become s8 with their sign bit flipped, which changes no value and no rounding; weights
// keep a scale for each output channel (qc8). Nodes for which XNNPACK has no int8 operator run in
// its float, with conversions around them.
#include "engine/float/xnnpack.h"

#include <algorithm>

#include "engine/float/pool.h"
#include "tools/octet/against/opponent.h"
#include "tools/octet/against/xnnpack_stage.h"

namespace octet::tool {
namespace {

constexpr std::size_t bytes_read_beyond = 16;

/// Nodes that run one after the other, all of one kind.
struct Part {
  std::vector<std::size_t> nodes;
  bool int8 = false;
};

/// Returns parts in which every node comes after the nodes that it reads. They are as few as
/// possible, since values that go from int8 to float or back are converted.
std::vector<Part> cut_into_parts(const PlainNetwork& network, const std::vector<bool>& int8) {
  std::vector<bool> known(network.values.size(), true);
  for (const PlainNode& node : network.nodes)
    known[static_cast<std::size_t>(node.output())] = false;
  std::vector<bool> placed(network.nodes.size(), false);
  std::vector<Part> parts;
  std::size_t left = network.nodes.size();
  const auto ready = [&](std::size_t node) {
    return std::ranges::all_of(network.nodes[node].inputs,
                               [&](int32_t id) { return known[static_cast<std::size_t>(id)]; });
  };
  for (bool kind = true; left > 0; kind = !kind) {
    Part part{.int8 = kind};
    for (std::size_t node = 0; node < network.nodes.size(); ++node) {
      if (placed[node] || int8[node] != kind || !ready(node)) continue;
      part.nodes.push_back(node);
      placed[node] = true;
      known[static_cast<std::size_t>(network.nodes[node].output())] = true;
    }
    left -= part.nodes.size();
    if (!part.nodes.empty()) parts.push_back(std::move(part));
  }
  return parts;
}

class XnnpackOpponent final : public Opponent {
 public:
  static OpponentResult make(const Challenge& challenge) {
    // XNNPACK has to start before it is asked which nodes it has.
    if (!xnnpack_starts()) {
      return fail(challenge.model.path() + ": XNNPACK lacks what it needs of this CPU");
    }
    auto network = make_plain_network(challenge.model.data(), challenge.inputs);
    if (!network) return tl::unexpected(network.error());
    auto opponent = std::unique_ptr<XnnpackOpponent>(new XnnpackOpponent(std::move(*network)));
    if (challenge.threads > 1) {
      opponent->pool_.reset(create_float_pool(static_cast<std::size_t>(challenge.threads)));
      if (opponent->pool_ == nullptr) {
        return fail("--against xnnpack: the system does not give " +
                    std::to_string(challenge.threads) + " threads; give --threads 1");
      }
    }
    if (auto ok = opponent->build(challenge.inputs); !ok) return tl::unexpected(ok.error());
    return opponent;
  }

  Expected<void> run() override {
    for (const Step& step : steps_) {
      if (auto ok = step.int8 ? step.int8->run() : step.real->run(); !ok) return ok;
    }
    return {};
  }

  Expected<std::vector<std::vector<float>>> outputs() override {
    std::vector<std::vector<float>> all;
    for (const int32_t id : network_.model.outputs) {
      const auto* from = reinterpret_cast<const float*>(memory_[{id, false}].data());
      all.emplace_back(from, from + element_count(network_.value(id).shape));
    }
    return all;
  }

 private:
  struct Step {  // one of the two is set
    std::unique_ptr<XnnpackStage> int8;
    std::unique_ptr<PlainFloat> real;
  };
  struct Destroy {
    void operator()(pthreadpool_t pool) const { pthreadpool_destroy(pool); }
  };

  explicit XnnpackOpponent(PlainNetwork network) : network_(std::move(network)) {}

  std::byte* memory_of(const PlainForm& form) {
    std::vector<std::byte>& memory = memory_[form];
    const auto count = static_cast<std::size_t>(element_count(network_.value(form.value).shape));
    memory.resize(count * (form.quantized ? 1 : sizeof(float)) + bytes_read_beyond);
    return memory.data();
  }

  /// The values that each part reads from outside and writes for others. Parts in float do both in
  /// float32. A value stays s8 where one int8 part reads it from another.
  std::vector<XnnpackStage::Outside> find_crossings(const std::vector<Part>& parts) {
    std::vector<int> writer(network_.values.size(), -1);
    for (std::size_t p = 0; p < parts.size(); ++p) {
      for (const std::size_t node : parts[p].nodes) {
        writer[static_cast<std::size_t>(network_.nodes[node].output())] = static_cast<int>(p);
      }
    }
    std::vector<XnnpackStage::Outside> crossings(parts.size());
    const auto writer_of = [&](int32_t id) { return writer[static_cast<std::size_t>(id)]; };
    for (std::size_t p = 0; p < parts.size(); ++p) {
      for (const std::size_t node : parts[p].nodes) {
        for (const int32_t id : network_.nodes[node].inputs) {
          const int from = writer_of(id);
          if (network_.value(id).constant != nullptr || from == static_cast<int>(p)) continue;
          const bool both_int8 =
              parts[p].int8 && from >= 0 && parts[static_cast<std::size_t>(from)].int8;
          const PlainForm form{id, both_int8 && network_.value(id).quantized};
          crossings[p][form] = memory_of(form);
          if (from >= 0) crossings[static_cast<std::size_t>(from)][form] = memory_of(form);
        }
      }
    }
    for (const int32_t id : network_.model.outputs) {
      const PlainForm form{id, false};
      if (writer_of(id) >= 0) {
        crossings[static_cast<std::size_t>(writer_of(id))][form] = memory_of(form);
      }
    }
    return crossings;
  }

  Expected<void> build(const std::vector<std::vector<float>>& inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const PlainForm form{network_.model.inputs[i], false};
      std::ranges::copy(std::as_bytes(std::span(inputs[i])), memory_of(form));
    }
    std::vector<bool> int8;
    for (std::size_t node = 0; node < network_.nodes.size(); ++node) {
      int8.push_back(xnnpack_has_int8_form(network_, node));
    }
    const std::vector<Part> parts = cut_into_parts(network_, int8);
    const std::vector<XnnpackStage::Outside> crossings = find_crossings(parts);
    for (std::size_t p = 0; p < parts.size(); ++p) {
      Step& step = steps_.emplace_back();
      if (parts[p].int8) {
        auto stage = XnnpackStage::create(network_, parts[p].nodes, crossings[p], pool_.get());
        if (!stage) return tl::unexpected(stage.error());
        step.int8 = std::move(*stage);
        continue;
      }
      PlainFloat::Outside outside;
      for (const auto& [form, memory] : crossings[p]) {
        outside[form.value] = reinterpret_cast<float*>(memory);
      }
      auto real = PlainFloat::create(network_, parts[p].nodes, outside, pool_.get());
      if (!real) return tl::unexpected(real.error());
      step.real = std::make_unique<PlainFloat>(std::move(*real));
    }
    for (const int32_t id : network_.model.outputs) {
      if (!memory_.contains({id, false})) {
        return fail(network_.model.path + ": no layer computes the output '" +
                    network_.model.tensor(id).info.name + "': XNNPACK has nothing to run");
      }
    }
    return {};
  }

  PlainNetwork network_;
  std::unique_ptr<struct pthreadpool, Destroy> pool_;
  std::map<PlainForm, std::vector<std::byte>> memory_;  ///< Values that cross between steps.
  std::vector<Step> steps_;
};

}  // namespace

OpponentResult make_xnnpack_opponent(const Challenge& challenge) {
  return XnnpackOpponent::make(challenge);
}

}  // namespace octet::tool
