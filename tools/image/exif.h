// Which way up a camera was held.
#pragma once

#include <span>

#include "tools/image/image.h"

namespace octet::image {

/// EXIF's orientation, 1 (upright) to 8, of EXIF's bytes as a JPEG's APP1 segment, a PNG's eXIf
/// chunk or a WebP's EXIF chunk has them, with or without "Exif\0\0" in front. 1 where they say
/// nothing, or are damaged.
int exif_orientation(std::span<const uint8_t> exif);

/// Are rows columns in an image of this orientation?
constexpr bool is_on_its_side(int orientation) { return orientation >= 5; }

/// The image as it is to be seen.
Image upright(Image image, int orientation);

}  // namespace octet::image
