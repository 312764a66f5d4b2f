// Which way up a camera was held.
#pragma once

#include <span>

#include "tools/image/image.h"

namespace octet::image {

/// The orientation that EXIF's bytes say: 1 (upright) to 8. The bytes are those of a JPEG's APP1
/// segment, a PNG's eXIf chunk or a WebP's EXIF chunk, with or without "Exif\0\0" in front. 1 where
/// they have no orientation, or are damaged.
int exif_orientation(std::span<const uint8_t> exif);

/// Whether the stored rows are the columns of the upright picture.
constexpr bool is_on_its_side(int orientation) { return orientation >= 5; }

/// Turns an image that has this orientation upright.
Image upright(Image image, int orientation);

}  // namespace octet::image
