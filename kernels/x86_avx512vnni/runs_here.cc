// Whether this CPU has AVX512-VNNI, and the parts of AVX-512 that go with it.
#include <cpuinfo.h>

namespace octet::kernels::avx512vnni {

bool runs_here() {
  return cpuinfo_has_x86_avx512vnni() && cpuinfo_has_x86_avx512bw() && cpuinfo_has_x86_avx512vl() &&
         cpuinfo_has_x86_avx512dq();
}

}  // namespace octet::kernels::avx512vnni
