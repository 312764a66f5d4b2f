// What `octet convert` says of the model that it made.
#pragma once

#include <iosfwd>
#include <string>

#include "octet/octet.hpp"

namespace octet::tool {

/// A line of sizes and counts; what runs in float, and why, a line a reason; which outputs int8
/// arithmetic makes coarse, with the --keep-float that makes them fine; and where the result of a
/// node that the user keeps in float is rounded all the same. `file_has_scales`: roundings are the
/// author's, and no option takes them away.
void print_summary(std::ostream& out, const Model& model, const std::string& path,
                   bool file_has_scales);

}  // namespace octet::tool
