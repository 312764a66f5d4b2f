// Has this CPU i8mm (smmla, usdot), and the dot product?
#include <cpuinfo.h>
#include <sys/auxv.h>

namespace octet::kernels::i8mm {

/// Not every cpuinfo knows of i8mm: as Linux tells it, bit 13 of the second word of capabilities.
bool runs_here() { return cpuinfo_has_arm_neon_dot() && (getauxval(AT_HWCAP2) & (1UL << 13)) != 0; }

}  // namespace octet::kernels::i8mm
