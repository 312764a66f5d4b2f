#include "tools/octet/session_options.h"

#include <string>

#include "kernels/kernels.h"

namespace octet::tool {

Expected<void> check_session_options(const SessionOptions& options) {
  if (options.isa.empty()) return {};
  std::string available;
  for (const kernels::KernelTable* table : kernels::available_tables()) {
    if (options.isa == table->name) return {};
    available += std::string(" ") + table->name;
  }
  return fail("--isa: this processor or this build does not have '" + options.isa +
              "'; it has:" + available);
}

}  // namespace octet::tool
