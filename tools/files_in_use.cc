#include "tools/files_in_use.h"

#include <unistd.h>

namespace octet::tool {

Expected<void> FilesInUse::add(const std::string& name, const struct stat& status) {
  if (!S_ISREG(status.st_mode)) return {};
  const FileIdentity file = identity_of(status);
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat output{};
    if (::fstat(stream, &output) == 0 && identity_of(output) == file) {
      return fail(name + ": this file is read, and standard " +
                  (stream == STDOUT_FILENO ? "output" : "error") +
                  " goes into it: redirect to another file");
    }
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
