// One layer of a model as a model of its own.
#pragma once

#include "octet/octet.hpp"

namespace octet::tool {

/// Would node `index` compute anything in float, and is it known what? Not so: conversions, new
/// shapes of the same bytes, tables, and what is in float already.
bool has_float_form(const Model& model, std::size_t index);

/// Float inputs, quantized; the node with its weights; its output in float. `has_float_form` holds.
Expected<Model> make_one_layer_model(const Model& model, std::size_t index);

}  // namespace octet::tool
