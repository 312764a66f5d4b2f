// Which instruction sets there are, which are built in, and which of those this CPU can run.
#include <cpuinfo.h>

#include <array>
#include <cstring>

#include "kernels/kernels.h"
#include "kernels/reference/reference.h"

namespace octet::kernels {

// Each folder gives its table, and says whether this CPU has what its code needs.
// kernels/CMakeLists.txt defines OCTET_BUILT_ISAS: ISA(name) for each set that is built in, in the
// order of isas.def.
#define ISA(name)                 \
  namespace name {                \
  extern const KernelTable table; \
  bool runs_here();               \
  }
OCTET_BUILT_ISAS
#undef ISA

namespace {

struct Entry {
  const KernelTable* table;
  bool (*runs_here)();
};

// From the slowest to the fastest: the last that runs here is the best.
constexpr Entry entries[] = {{&reference::table, [] { return true; }},
#define ISA(name) {&name::table, name::runs_here},
                             OCTET_BUILT_ISAS
#undef ISA
};

/// Where cpuinfo does not know the CPU it reports no instruction set. Only the reference remains.
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

std::span<const Isa> all_isas() {
  static constexpr Isa all[] = {
      Isa::reference,
#define OCTET_ISA(name, processor, folder) Isa::name,
#include "kernels/isas.def"
#undef OCTET_ISA
  };
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
