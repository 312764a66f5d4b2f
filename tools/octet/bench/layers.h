// What each step of a model takes.
#pragma once

#include <nlohmann/json.hpp>

#include "tools/octet/bench/contender.h"

namespace octet::tool {

/// A step an entry, in order.
nlohmann::ordered_json layers_json(const Contender& contender);

void print_layers(const Contender& contender);

}  // namespace octet::tool
