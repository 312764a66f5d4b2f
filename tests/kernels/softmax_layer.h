// Softmax and argmax of rows, made by random choices.
#pragma once

#include "tests/kernels/layer.h"

namespace octet::test {

/// exp(-scale * d) for d = 0 to 255, the same bits on every machine.
std::vector<float> softmax_table(double scale);

/// Quantized or not; the table is the caller's to set.
kernels::SoftmaxParams draw_softmax(Draw& draw);

/// A softmax of bytes or floats, or the index of the largest of either.
std::unique_ptr<Layer> draw_softmax_layer(Draw& draw);

}  // namespace octet::test
