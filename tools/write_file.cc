#include "tools/write_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace octet::tool {
namespace {

namespace fs = std::filesystem;

/// -> 0, or the errno of what failed
int write_bytes(const std::string& path, std::span<const std::byte> bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return errno;
  const bool written =
      std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && std::fflush(file) == 0;
  const int write_error = errno;
  const bool closed = std::fclose(file) == 0;
  if (!written) return write_error;
  return closed ? 0 : errno;
}

/// -> the file that a link leads to; anything else, and a link to nothing, is itself.
std::string follow(const std::string& path) {
  std::error_code error;
  if (!fs::is_symlink(path, error)) return path;
  const fs::path target = fs::canonical(path, error);
  return error ? path : target.string();
}

/// Would a rename onto it destroy what is no file's content: a device, a pipe, a link to nothing?
bool keeps_its_place(const std::string& path) {
  std::error_code ignored;
  const fs::file_type type = fs::symlink_status(path, ignored).type();
  return type != fs::file_type::not_found && type != fs::file_type::regular &&
         type != fs::file_type::directory;
}

}  // namespace

Expected<void> write_file(const std::string& path, std::span<const std::byte> bytes) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored))
    return fail(path + ": cannot write: this is a folder; name the file in it");
  const std::string target = follow(path);
  const bool in_place = keeps_its_place(target);
  const std::string written = in_place ? target : target + ".part";
  int reason = write_bytes(written, bytes);
  if (!in_place) {
    if (reason == 0 && std::rename(written.c_str(), target.c_str()) != 0) reason = errno;
    if (reason != 0) std::remove(written.c_str());
  }
  if (reason != 0) return fail(path + ": cannot write: " + std::strerror(reason));
  return {};
}

}  // namespace octet::tool
