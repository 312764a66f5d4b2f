// Whether this CPU has AMX, and the operating system lets this process use it.
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "kernels/x86/extended_features.h"

namespace octet::kernels::avx512vnni {
bool runs_here();
}

namespace octet::kernels::amx {

/// AMX-TILE and AMX-INT8: subleaf 0, EDX bits 24 and 25. Linux gives the tiles' registers only to a
/// process that asks for them (arch_prctl, ARCH_REQ_XCOMP_PERM, component 18), which then has them
/// in all of its threads; it refuses where a signal stack has no room to save them, and refuses
/// such a stack from then on. So nothing is asked for before somebody wants this table.
bool runs_here() {
#if defined(__linux__)
  if (!avx512vnni::runs_here()) return false;
  constexpr unsigned tile_and_int8 = 3U << 24;
  if ((ExtendedFeatures(0).edx & tile_and_int8) != tile_and_int8) return false;
  constexpr int request_permission = 0x1023;
  constexpr int tile_data = 18;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return false;
#endif
}

}  // namespace octet::kernels::amx
