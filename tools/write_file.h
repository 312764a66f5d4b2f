// How the tool writes files: whole or not at all, and never over a file of another kind unasked.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "octet/octet.hpp"
#include "tools/files_in_use.h"

namespace octet::tool {

/// The kind that an existing file must be of, to be written over without --force.
struct FileKind {
  const char* name;      ///< With its article: "an .octet model".
  std::size_t looks_at;  ///< Most bytes from its beginning that `matches` gets.
  bool (*matches)(std::span<const std::byte> beginning);
};

extern const FileKind octet_model_kind;
extern const FileKind png_kind;
extern const FileKind npy_kind;

struct WriteRules {
  const FilesInUse* in_use = nullptr;  ///< None of these is written over.
  const FileKind* kind = nullptr;      ///< Null: any file is written over.
  bool force = false;                  ///< A file of another kind is written over, too.
  bool durable = true;                 ///< It is on the disk before it replaces the old file.
};

/// Checks that write_file would not refuse this path by its rules: for use before long work.
Expected<void> check_target(const std::string& path, const WriteRules& rules);

/// Writes a file under a temporary name in the same folder, then renames it. That file is removed
/// where SIGINT, SIGTERM or SIGHUP ends the process. A new file has the mode that the umask says;
/// an existing one keeps its mode. A link is followed, and stays. A device or a pipe is written
/// into directly. An empty file is of every kind. Errors name the path and the reason.
Expected<void> write_file(const std::string& path, std::span<const std::byte> bytes,
                          const WriteRules& rules = {});

}  // namespace octet::tool
