// Files as the tool writes them: whole or not at all, and never over what is not theirs.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "octet/octet.hpp"
#include "tools/files_in_use.h"

namespace octet::tool {

/// What an existing file must be to be written over without being asked.
struct FileKind {
  const char* name;      ///< With its article: "an .octet model".
  std::size_t looks_at;  ///< How many bytes from its beginning `matches` gets, at most.
  bool (*matches)(std::span<const std::byte> beginning);
};

extern const FileKind octet_model_kind;
extern const FileKind png_kind;
extern const FileKind npy_kind;

struct WriteRules {
  const FilesInUse* in_use = nullptr;  ///< None of these is written onto.
  const FileKind* kind = nullptr;      ///< Null: any file is written over.
  bool force = false;                  ///< Another kind is written over, too.
  bool durable = true;                 ///< On the disk, before it takes the old file's place.
};

/// Error: write_file would refuse this path by its rules. To be asked before long work.
Expected<void> check_target(const std::string& path, const WriteRules& rules);

/// Writes under a name of its own in the same folder, then renames; nothing is left of it where the
/// process is ended by SIGINT, SIGTERM or SIGHUP. A new file has the mode that the umask says, an
/// existing one keeps its own. A link is followed, and stays; a device or a pipe is written into as
/// it stands. An empty file is of every kind. Errors name the path and the reason.
Expected<void> write_file(const std::string& path, std::span<const std::byte> bytes,
                          const WriteRules& rules = {});

}  // namespace octet::tool
