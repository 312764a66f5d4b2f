// Files as the tool writes them: whole or not at all.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "octet/octet.hpp"

namespace octet::tool {

/// Writes under a temporary name in the same folder, then renames. A link is followed; a device or
/// a pipe is written into as it stands. Errors name the path and the reason.
Expected<void> write_file(const std::string& path, std::span<const std::byte> bytes);

}  // namespace octet::tool
