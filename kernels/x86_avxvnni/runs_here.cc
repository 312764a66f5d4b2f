// Whether this CPU has AVX-VNNI.
#include <cpuinfo.h>

#include "kernels/x86/extended_features.h"

namespace octet::kernels::avxvnni {

/// The VEX form of vpdpbusd: subleaf 1, EAX bit 4. Needs the same of the operating system as AVX2.
bool runs_here() {
  return cpuinfo_has_x86_avx2() && cpuinfo_has_x86_fma3() &&
         (ExtendedFeatures(1).eax & (1U << 4)) != 0;
}

}  // namespace octet::kernels::avxvnni
