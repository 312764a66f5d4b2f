// Rounds weights so that the sums of products change least.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/threads.h"
#include "graph/rounding/input_moments.h"

namespace octet::graph {

struct RoundedWeights {
  std::vector<int8_t> values;  ///< [channels][values], from -127 to 127
  std::vector<float> scales;   ///< One for each channel.
  /// What rounding takes from each channel's sums on average, in weights times input steps: the
  /// bias has to add it.
  std::vector<double> lost;
};

/// Rounds the weights [channels][values] of filters that read windows with these moments: the
/// variance of what the rounded weights change in each channel's sums is made small, and the mean
/// of it is `lost`, for the bias.
///
/// The weights of a filter are rounded one after the other, and each takes up what the errors of
/// those before it change (Frantar et al. 2022, "GPTQ"; in the form of Chee et al. 2023, "QuIP",
/// section 3: the matrix is L D L', and weight k, from the last to the first, is rounded with
/// sum_{j>k} L[j][k] e[j] added). Then single weights change by steps as long as that helps. It is
/// tried with scales from `scales`, which let no weight clip, downwards; small layers can try more
/// of them. Channels whose `fixed` is set keep their scale.
///
/// The result is the same on every machine and with any number of threads.
RoundedWeights round_by_least_squares(std::span<const float> weights, const Moments& moments,
                                      std::span<const float> scales, const std::vector<bool>& fixed,
                                      const ThreadPool& pool);

}  // namespace octet::graph
