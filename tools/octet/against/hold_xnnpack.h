#pragma once

#include <string>

namespace octet::tool {

/// Holds XNNPACK, and so octet's own float, to what a processor has whose best for octet is `isa`:
/// avx2 and avxvnni go without AVX-512. Other names, and none, hold nothing. XNNPACK has no option
/// for it; it asks cpuinfo, which is told here. Before the first session of the process.
void hold_xnnpack(const std::string& isa);

}  // namespace octet::tool
