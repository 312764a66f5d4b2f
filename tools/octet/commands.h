// The subcommands: each adds itself to the command line and says what runs when it is chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "octet/octet.hpp"

namespace octet::tool {

/// Exit codes of the tool.
enum ExitCode : int { succeeded = 0, failed = 1, usage = 2 };

/// What a chosen subcommand runs: an exit code, or an error for standard error (exit code 1).
using Command = std::function<Expected<int>()>;

/// Each adds a subcommand to `app` and returns its command; call it when app.got_subcommand(name).
Command add_convert(CLI::App& app);
Command add_run(CLI::App& app);
Command add_eval(CLI::App& app);
Command add_bench(CLI::App& app);
Command add_inspect(CLI::App& app);

/// --threads and --isa, as every subcommand that runs a model takes them.
void add_session_options(CLI::App& command, SessionOptions& options);

/// Error: --isa names what this processor or this build does not have.
Expected<void> check_session_options(const SessionOptions& options);

/// Lets an option take whole numbers from `least` on, and says so of anything else.
CLI::Validator whole_number_from(std::size_t least);

/// --no-exif-rotate
void add_exif_option(CLI::App& command, bool& exif_rotate);
/// --force
void add_force_option(CLI::App& command, bool& force);

}  // namespace octet::tool
