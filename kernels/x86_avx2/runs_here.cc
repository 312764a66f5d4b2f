// Whether this CPU has AVX2.
#include <cpuinfo.h>

namespace octet::kernels::avx2 {

bool runs_here() { return cpuinfo_has_x86_avx2(); }

}  // namespace octet::kernels::avx2
