// The two formats behind read_image: whole files in memory become R, G, B. `path` is for errors.
#pragma once

#include <span>

#include "tools/image/image.h"

namespace octet::image {

/// A picture of more pixels is refused.
constexpr uint64_t max_pixels = uint64_t{1} << 28;

/// CMYK becomes RGB as in Pillow. Errors: damaged, cut off, too many pixels.
Expected<Image> decode_jpeg(const std::string& path, std::span<const uint8_t> bytes);

/// Of 16-bit channels the high byte; alpha is dropped; gamma and colour profiles change nothing.
/// Errors: damaged, cut off, too many pixels.
Expected<Image> decode_png(const std::string& path, std::span<const uint8_t> bytes);

}  // namespace octet::image
