#pragma once

#include <string>

namespace octet::tool {

/// Limits XNNPACK, and so octet's own float, to the instructions of a processor on which octet
/// would use `isa`: with avx2 and avxvnni it goes without AVX-512. Other names, and an empty one,
/// change nothing. XNNPACK has no option for this, but asks cpuinfo, whose answers are changed
/// here. To be called before the first session of the process.
void hold_xnnpack(const std::string& isa);

}  // namespace octet::tool
