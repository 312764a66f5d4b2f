// Which instruction sets there are, which are built in, and which of those this CPU can run.
#include <cpuinfo.h>

#include <array>
#include <cstring>

#include "kernels/kernels.h"
#include "kernels/reference/reference.h"
#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "kernels/x86_amx/kernels.h"
#include "kernels/x86_avx2/kernels.h"
#include "kernels/x86_avx512vnni/kernels.h"
#include "kernels/x86_avxvnni/kernels.h"
#elif defined(__aarch64__)
#include <sys/auxv.h>

#include "kernels/arm_dotprod/kernels.h"
#include "kernels/arm_i8mm/kernels.h"
#include "kernels/arm_neon/kernels.h"
#endif

namespace octet::kernels {
namespace {

#if defined(__x86_64__)
/// What not every cpuinfo knows to ask: leaf 7 of cpuid, all 0 where there is none.
struct ExtendedFeatures {
  explicit ExtendedFeatures(unsigned subleaf) {
    __get_cpuid_count(7, subleaf, &eax, &ebx, &ecx, &edx);
  }
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
};
#endif

#if defined(OCTET_ISA_avxvnni)
/// The VEX form of vpdpbusd: subleaf 1, EAX bit 4. Needs the same of the operating system as AVX2.
bool has_avxvnni() { return (ExtendedFeatures(1).eax & (1U << 4)) != 0; }
#endif

#if defined(OCTET_ISA_avx512vnni)
bool has_avx512vnni() {
  return cpuinfo_has_x86_avx512vnni() && cpuinfo_has_x86_avx512bw() && cpuinfo_has_x86_avx512vl() &&
         cpuinfo_has_x86_avx512dq();
}
#endif

#if defined(OCTET_ISA_amx)
/// AMX-TILE and AMX-INT8: subleaf 0, EDX bits 24 and 25. Linux gives the tiles' registers only to a
/// process that asks for them (arch_prctl, ARCH_REQ_XCOMP_PERM, component 18), which then has them
/// in all of its threads; it refuses where a signal stack has no room to save them, and refuses
/// such a stack from then on. So nothing is asked for before somebody wants this table.
bool has_amx() {
#if defined(__linux__)
  constexpr unsigned tile_and_int8 = 3U << 24;
  if ((ExtendedFeatures(0).edx & tile_and_int8) != tile_and_int8) return false;
  constexpr int request_permission = 0x1023;
  constexpr int tile_data = 18;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return false;
#endif
}
#endif

#if defined(OCTET_ISA_i8mm)
/// Not every cpuinfo knows of i8mm: as Linux tells it, bit 13 of the second word of capabilities.
bool has_i8mm() { return (getauxval(AT_HWCAP2) & (1UL << 13)) != 0; }
#endif

/// A table that is built in (OCTET_ISA_...: kernels/CMakeLists.txt). An instruction set adds itself
/// here, and nowhere else.
struct Entry {
  const KernelTable* table;
  bool (*runs_here)();
};

// From the slowest to the fastest: the last that runs here is the best.
constexpr Entry entries[] = {
    {&reference::table, [] { return true; }},
#if defined(OCTET_ISA_avx2)
    {&avx2::table, [] { return cpuinfo_has_x86_avx2(); }},
#endif
#if defined(OCTET_ISA_avxvnni)
    {&avxvnni::table, [] { return cpuinfo_has_x86_avx2() && has_avxvnni(); }},
#endif
#if defined(OCTET_ISA_avx512vnni)
    {&avx512vnni::table, has_avx512vnni},
#endif
#if defined(OCTET_ISA_amx)
    {&amx::table, [] { return has_avx512vnni() && has_amx(); }},
#endif
#if defined(OCTET_ISA_neon)
    {&neon::table, [] { return cpuinfo_has_arm_neon(); }},
#endif
#if defined(OCTET_ISA_dotprod)
    {&dotprod::table, [] { return cpuinfo_has_arm_neon_dot(); }},
#endif
#if defined(OCTET_ISA_i8mm)
    {&i8mm::table, [] { return cpuinfo_has_arm_neon_dot() && has_i8mm(); }},
#endif
};

/// Where cpuinfo does not know the CPU it reports no instruction set: the reference remains.
bool runs_here(const Entry& entry) {
  cpuinfo_initialize();
  return entry.runs_here();
}

}  // namespace

std::span<const KernelTable* const> available_tables() {
  struct Tables {
    std::array<const KernelTable*, std::size(entries)> tables{};
    std::size_t count = 0;
  };
  static const Tables found = [] {
    Tables result;
    for (const Entry& entry : entries) {
      if (runs_here(entry)) result.tables[result.count++] = entry.table;
    }
    return result;
  }();
  return {found.tables.data(), found.count};
}

const KernelTable* find_table(Isa isa) {
  for (const Entry& entry : entries) {
    if (entry.table->isa == isa) return runs_here(entry) ? entry.table : nullptr;
  }
  return nullptr;
}

const KernelTable& best_table() {
  static const KernelTable* const best = [] {
    std::size_t last = std::size(entries) - 1;
    while (last > 0 && !runs_here(entries[last])) --last;
    return entries[last].table;
  }();
  return *best;
}

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::reference:
      return "reference";
    case Isa::avx2:
      return "avx2";
    case Isa::avxvnni:
      return "avxvnni";
    case Isa::avx512vnni:
      return "avx512vnni";
    case Isa::amx:
      return "amx";
    case Isa::neon:
      return "neon";
    case Isa::dotprod:
      return "dotprod";
    case Isa::i8mm:
      return "i8mm";
  }
  return "unknown";
}

std::span<const Isa> all_isas() {
  static constexpr Isa all[] = {Isa::reference, Isa::avx2, Isa::avxvnni, Isa::avx512vnni,
                                Isa::amx,       Isa::neon, Isa::dotprod, Isa::i8mm};
  return all;
}

bool parse_isa(const char* name, Isa& isa) {
  for (const Isa candidate : all_isas()) {
    if (std::strcmp(name, isa_name(candidate)) != 0) continue;
    isa = candidate;
    return true;
  }
  return false;
}

}  // namespace octet::kernels
