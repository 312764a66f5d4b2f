#include "tools/files_in_use.h"

#include <fcntl.h>
#include <unistd.h>

namespace octet::tool {

namespace {

bool goes_into(int stream, const FileIdentity& file) {
  struct stat output{};
  return ::fstat(stream, &output) == 0 && identity_of(output) == file;
}

// The error message would be written into that very file. So it goes to the terminal, or nowhere if
// there is none.
void turn_standard_error_away() {
  int other = ::open("/dev/tty", O_WRONLY | O_NOCTTY);
  if (other < 0) other = ::open("/dev/null", O_WRONLY);
  if (other < 0) return;
  ::dup2(other, STDERR_FILENO);
  ::close(other);
}

}  // namespace

Expected<void> FilesInUse::add(const std::string& name, const struct stat& status) {
  if (!S_ISREG(status.st_mode)) return {};
  const FileIdentity file = identity_of(status);
  const bool error_goes_into = goes_into(STDERR_FILENO, file);
  if (error_goes_into) turn_standard_error_away();
  if (error_goes_into || goes_into(STDOUT_FILENO, file)) {
    return fail(name + ": this file is read, and standard " +
                (error_goes_into ? "error" : "output") + " goes into it: redirect to another file");
  }
  names_.try_emplace(file, name);
  return {};
}

Expected<void> FilesInUse::add(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {};
  return add(path, status);
}

Expected<void> FilesInUse::add_standard_input() {
  struct stat status{};
  if (::fstat(STDIN_FILENO, &status) != 0) return {};
  return add("standard input", status);
}

const std::string* FilesInUse::find(const FileIdentity& file) const {
  const auto found = names_.find(file);
  return found == names_.end() ? nullptr : &found->second;
}

}  // namespace octet::tool
