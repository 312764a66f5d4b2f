// The command line: each command's options, and what runs when one is chosen.
#pragma once

namespace octet::tool {

/// Parses the arguments and runs the command that they name. Errors go to standard error. Returns
/// the exit code.
int run_command_line(int argc, char** argv);

}  // namespace octet::tool
