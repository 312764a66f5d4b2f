#pragma once

#include <cstdint>

namespace octet {

/// The version of the .octet format. A reader accepts its own and older ones; docs/format.md has
/// the history.
constexpr uint32_t format_version = 4;

}  // namespace octet
