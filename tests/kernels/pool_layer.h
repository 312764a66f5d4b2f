// Pools made by random choices.
#pragma once

#include <limits>

#include "tests/kernels/layer.h"

namespace octet::test {

std::string describe(const kernels::PoolParams& params);

/// Parameters of a pool, some of them global, with zero points, scales and clamps for averages.
kernels::PoolParams draw_pool(Draw& draw, bool may_dilate,
                              int64_t most_products = std::numeric_limits<int64_t>::max());

std::size_t pool_input_count(const kernels::PoolParams& params);
std::size_t pool_output_count(const kernels::PoolParams& params);

using Pool = void (*)(const kernels::PoolParams& params, const uint8_t* input, uint8_t* output,
                      kernels::Range rows);

/// A pool of the given input as a layer. `pool` is the table's function to call.
std::unique_ptr<Layer> pool_layer(const kernels::PoolParams& params, std::vector<uint8_t> input,
                                  Pool kernels::KernelTable::* pool);

std::unique_ptr<Layer> draw_max_pool_layer(Draw& draw, int64_t most_products);
std::unique_ptr<Layer> draw_average_pool_layer(Draw& draw, int64_t most_products);

}  // namespace octet::test
