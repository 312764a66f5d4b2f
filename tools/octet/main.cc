#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <map>
#include <new>

#include "kernels/kernels.h"
#include "tools/octet/commands.h"

namespace octet::tool {

void add_session_options(CLI::App& command, SessionOptions& options) {
  const std::string threads =
      options.threads > 0 ? std::to_string(options.threads) : std::string("one a big core");
  command.add_option("--threads", options.threads, "Threads (default: " + threads + ")")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command
      .add_option(
          "--isa", options.isa,
          "Force an instruction set: reference, avx2, avxvnni, avx512vnni, amx, neon, dotprod, "
          "i8mm (default: the best that the processor has; OCTET_ISA in the environment does the "
          "same)")
      ->type_name("NAME");
}

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

CLI::Validator whole_number_from(std::size_t least) {
  const auto check = [least](const std::string& text) -> std::string {
    std::size_t value = 0;
    const char* end = text.data() + text.size();
    const auto [read_to, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && read_to == end && value >= least) return "";
    return "'" + text + "' is not a whole number of at least " + std::to_string(least);
  };
  return CLI::Validator(check, "");
}

void add_exif_option(CLI::App& command, bool& exif_rotate) {
  command.add_flag("--no-exif-rotate{false}", exif_rotate,
                   "Take a picture's pixels as the file has them, instead of turning it as EXIF's "
                   "orientation says");
}

void add_force_option(CLI::App& command, bool& force) {
  command.add_flag("--force", force,
                   "Write over an existing file of another kind, too; a file that is read is never "
                   "written over");
}

namespace {

/// What stands first on the command line: the model.
std::string first_file(const CLI::App& command) {
  for (const char* name : {"MODEL", "IN"}) {
    const CLI::Option* option = command.get_option_no_throw(name);
    if (option != nullptr && !option->empty()) return option->as<std::string>();
  }
  return command.get_name();
}

int run_tool(int argc, char** argv) {
  CLI::App app{
      "octet runs convolutional networks in int8 on CPUs.\n\n"
      "The usual way: export a float model with calibration (tools/pytorch/octet_export.py),\n"
      "then `octet convert model.safetensors -o model.octet`, then `octet run model.octet "
      "photo.jpg`.\n"
      "Each subcommand explains itself: octet convert --help"};
  app.set_version_flag("--version", std::string("octet ") + version());
  app.require_subcommand(1);
  const std::map<std::string, Command> commands = {
      {"convert", add_convert(app)}, {"run", add_run(app)},         {"eval", add_eval(app)},
      {"bench", add_bench(app)},     {"inspect", add_inspect(app)},
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? succeeded : usage;
  }
  const CLI::App& chosen = *app.get_subcommands().front();
  std::string message;
  try {
    const auto result = commands.at(chosen.get_name())();
    if (result) return *result;
    message = result.error().message;
  } catch (const std::bad_alloc&) {
    message = first_file(chosen) + ": not enough memory for this model";
  }
  std::cerr << "octet: " << message << "\n";
  return failed;
}

/// Results that did not all arrive, for a full disk, are a failure.
int finish_standard_output(int code) {
  const int reason = std::fflush(stdout) != 0 ? errno : 0;
  if (reason == 0 && std::cout && std::ferror(stdout) == 0) return code;
  std::cerr << "octet: standard output: cannot write all of the results";
  if (reason != 0) std::cerr << ": " << std::strerror(reason);
  std::cerr << "\n";
  return failed;
}

/// Libraries whose destructors allocate end the program where memory fails: with a reason, and with
/// the exit code of a failure.
[[noreturn]] void end_without_memory() {
  constexpr char text[] = "octet: not enough memory\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, sizeof(text) - 1);
  std::_Exit(failed);
}

void terminate_with_reason() {
  try {
    if (const auto error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    end_without_memory();
  } catch (...) {
  }
  std::abort();
}

}  // namespace
}  // namespace octet::tool

int main(int argc, char** argv) {
  std::set_terminate(octet::tool::terminate_with_reason);
  try {
    return octet::tool::finish_standard_output(octet::tool::run_tool(argc, argv));
  } catch (const std::exception& error) {
    // Only memory and the standard streams are left to fail here.
    std::cerr << "octet: " << error.what() << "\n";
    return octet::tool::failed;
  }
}
