// --threads and --isa.
#pragma once

#include "octet/octet.hpp"

namespace octet::tool {

/// Error: --isa names an instruction set that this processor or this build does not have.
Expected<void> check_session_options(const SessionOptions& options);

}  // namespace octet::tool
