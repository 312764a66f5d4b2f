// Whether this CPU has NEON.
#include <cpuinfo.h>

namespace octet::kernels::neon {

bool runs_here() { return cpuinfo_has_arm_neon(); }

}  // namespace octet::kernels::neon
