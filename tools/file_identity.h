// The identity of a file, whatever name, link or device leads to it.
#pragma once

#include <sys/stat.h>

#include <compare>

namespace octet::tool {

struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;

  auto operator<=>(const FileIdentity&) const = default;
};

inline FileIdentity identity_of(const struct stat& status) {
  return {.device = status.st_dev, .inode = status.st_ino};
}

}  // namespace octet::tool
