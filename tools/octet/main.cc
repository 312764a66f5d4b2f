#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>

#include "tools/octet/command_line.h"
#include "tools/octet/exit_code.h"

namespace octet::tool {
namespace {

/// Results that could not all be written, as on a full disk, are a failure.
int finish_standard_output(int code) {
  const int reason = std::fflush(stdout) != 0 ? errno : 0;
  if (reason == 0 && std::cout && std::ferror(stdout) == 0) return code;
  std::cerr << "octet: standard output: cannot write all of the results";
  if (reason != 0) std::cerr << ": " << std::strerror(reason);
  std::cerr << "\n";
  return failed;
}

/// Some libraries allocate memory in destructors, which ends the program where there is none. It
/// then ends with a reason and with the exit code of a failure.
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
    return octet::tool::finish_standard_output(octet::tool::run_command_line(argc, argv));
  } catch (const std::bad_alloc&) {
    octet::tool::end_without_memory();
  } catch (const std::exception& error) {
    // Only memory and the standard streams are left to fail here.
    std::cerr << "octet: " << error.what() << "\n";
    return octet::tool::failed;
  }
}
