// What each step of a model takes, and what it would take in float.
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

/// Runs each int8 step that has a float form against it: a session of octet with that one node, and
/// one of octet's float (XNNPACK) with the same node and dequantized weights, both with the
/// contender's instruction set and threads.
///
/// What is fair here: both run again and again in turns, so that both find their inputs, weights
/// and results in the caches as far as they fit there. In a network a layer's weights come from
/// further away, and float has four times as many bytes of them: float is flattered, and int8 that
/// is not slower here is not slower there. Inputs are set once; what the first of a chain of float
/// layers would wait for, and the conversions around an int8 one, are not in it.
///
/// -> by node of the model: none where there is no float form, or nothing to compute.
Expected<std::vector<std::optional<LayerRace>>> race_layers(const Contender& contender,
                                                            const Schedule& schedule);

/// `races` may be empty. Rates count the step's time in the whole network.
nlohmann::ordered_json layers_json(const Contender& contender,
                                   const std::vector<std::optional<LayerRace>>& races);

void print_layers(const Contender& contender, const std::vector<std::optional<LayerRace>>& races);

}  // namespace octet::tool
