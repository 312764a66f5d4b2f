// Softmax and argmax of rows, made by random choices.
#pragma once

#include "tests/kernels/layer.h"

namespace octet::test {

/// exp(-scale * d) for d = 0 to 255, the same bits on every machine.
std::vector<float> softmax_table(double scale);

/// Quantized or not. The caller sets the table.
kernels::SoftmaxParams draw_softmax(Draw& draw);

/// A softmax of bytes or floats, or an argmax of bytes or floats.
std::unique_ptr<Layer> draw_softmax_layer(Draw& draw);

}  // namespace octet::test
