// The exit codes of the tool.
#pragma once

#include "octet/octet.hpp"

namespace octet::tool {

/// `usage`: the arguments are wrong.
enum ExitCode : int { succeeded = 0, failed = 1, usage = 2 };

}  // namespace octet::tool
