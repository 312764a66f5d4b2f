// One layer of a model as a model of its own.
#pragma once

#include "octet/octet.hpp"

namespace octet::tool {

/// Whether node `index` would compute something in float, and it is known what. False for
/// conversions, reshapes, tables, and nodes that are in float already.
bool has_float_form(const Model& model, std::size_t index);

/// The model quantizes float inputs, runs the node with its weights, and gives its output in float.
/// `has_float_form` has to be true.
Expected<Model> make_one_layer_model(const Model& model, std::size_t index);

}  // namespace octet::tool
