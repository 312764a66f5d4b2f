// Whether this CPU has AVX2, and the fused multiply-add that all known CPUs with AVX2 have.
#include <cpuinfo.h>

namespace octet::kernels::avx2 {

bool runs_here() { return cpuinfo_has_x86_avx2() && cpuinfo_has_x86_fma3(); }

}  // namespace octet::kernels::avx2
