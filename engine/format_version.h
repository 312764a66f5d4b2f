#pragma once

#include <cstdint>

namespace octet {

/// Of the .octet file. A reader accepts its own and older ones.
constexpr uint32_t format_version = 2;

}  // namespace octet
