#pragma once

#include <vector>

namespace octet::tool {

/// The middle value, or the mean of the two in the middle. `values` is not empty.
double median(std::vector<double> values);

}  // namespace octet::tool
