// Whether this CPU has the dot product (sdot, udot).
#include <cpuinfo.h>

namespace octet::kernels::dotprod {

bool runs_here() { return cpuinfo_has_arm_neon_dot(); }

}  // namespace octet::kernels::dotprod
