// Whether this CPU has i8mm (smmla, usdot) and the dot product.
#include <cpuinfo.h>
#include <sys/auxv.h>

namespace octet::kernels::i8mm {

/// Not every version of cpuinfo knows i8mm. Linux reports it in bit 13 of the second word of
/// capabilities.
bool runs_here() { return cpuinfo_has_arm_neon_dot() && (getauxval(AT_HWCAP2) & (1UL << 13)) != 0; }

}  // namespace octet::kernels::i8mm
