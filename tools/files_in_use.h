// Remembers the files that a command reads, so that it writes over none of them.
#pragma once

#include <map>
#include <string>

#include "octet/octet.hpp"
#include "tools/file_identity.h"

namespace octet::tool {

/// Files are compared by identity, not by name: links of both kinds, other names of one folder and
/// the names of open descriptors (/dev/stdin) lead to the same entry.
class FilesInUse {
 public:
  /// Notes a file that is read. A file that is not there, or is no regular file, is no error here:
  /// its reader complains. Error: standard output or standard error goes into this file.
  Expected<void> add(const std::string& path);
  /// Notes standard input where that is a file. Errors as above.
  Expected<void> add_standard_input();

  /// Returns the name that the file was noted by, or null where it was not noted.
  const std::string* find(const FileIdentity& file) const;

 private:
  Expected<void> add(const std::string& name, const struct stat& status);

  std::map<FileIdentity, std::string> names_;
};

}  // namespace octet::tool
