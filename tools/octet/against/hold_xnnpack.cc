#include "tools/octet/against/hold_xnnpack.h"

#include <cpuinfo.h>

namespace octet::tool {

void hold_xnnpack(const std::string& isa) {
  if ((isa != "avx2" && isa != "avxvnni") || !cpuinfo_initialize()) return;
#if CPUINFO_ARCH_X86 || CPUINFO_ARCH_X86_64
  cpuinfo_isa.avx512f = false;
  cpuinfo_isa.avx512cd = false;
  cpuinfo_isa.avx512bw = false;
  cpuinfo_isa.avx512dq = false;
  cpuinfo_isa.avx512vl = false;
  cpuinfo_isa.avx512vbmi = false;
  cpuinfo_isa.avx512vnni = false;
#endif
}

}  // namespace octet::tool
