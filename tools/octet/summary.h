// The summary that `octet convert` prints of the model that it made.
#pragma once

#include <iosfwd>
#include <string>

#include "octet/octet.hpp"

namespace octet::tool {

/// Prints a line of sizes and counts; which nodes run in float, with a line for each reason; which
/// outputs int8 arithmetic makes coarse, with the --keep-float that makes them fine; and where the
/// result of a node that the user keeps in float is rounded nevertheless. `file_has_scales`: the
/// roundings are the author's, and no option removes them.
void print_summary(std::ostream& out, const Model& model, const std::string& path,
                   bool file_has_scales);

}  // namespace octet::tool
