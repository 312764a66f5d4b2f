// The time that each step of a model takes, and the time that it would take in float.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "tools/octet/bench/contender.h"

namespace octet::tool {

/// One layer by itself, in int8 and in float.
struct LayerRace {
  Samples int8;
  Samples real;

  double ratio() const { return real.median_ms() / int8.median_ms(); }
};

/// Measures each int8 step against its float form, where it has one: a session of octet with that
/// one node, and one of octet's float (XNNPACK) with the same node and dequantized weights. Both
/// have the contender's instruction set and threads.
///
/// Both run again and again in turns, so both find their inputs, weights and results in the caches
/// as far as they fit there. In a network a layer's weights come from further away, and float has
/// four times as many bytes of them. So the comparison favours float: int8 that is not slower here
/// is not slower in the network. Inputs are set once. Conversions around the layer are not
/// measured.
///
/// Returns a race for each node of the model; none where there is no float form, or nothing to
/// compute.
Expected<std::vector<std::optional<LayerRace>>> race_layers(const Contender& contender,
                                                            const Schedule& schedule);

/// `races` may be empty. Rates are computed from the step's time in the whole network.
nlohmann::ordered_json layers_json(const Contender& contender,
                                   const std::vector<std::optional<LayerRace>>& races);

void print_layers(const Contender& contender, const std::vector<std::optional<LayerRace>>& races);

}  // namespace octet::tool
