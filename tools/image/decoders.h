// The formats behind read_image: whole files in memory become R, G, B. `path` is for errors.
#pragma once

#include <new>
#include <span>
#include <vector>

#include "tools/image/image.h"

namespace octet::image {

/// A picture with more pixels is refused.
constexpr uint64_t max_pixels = uint64_t{1} << 28;

/// Pixels as the file has them, and which way up they are.
struct Decoded {
  Image image;
  int orientation = 1;  ///< EXIF's, 1 to 8.
};

/// Resizes `pixels`; false where there was not enough memory. For decoders whose libraries no
/// exception may pass through.
inline bool make_room(std::vector<uint8_t>& pixels, std::size_t size) {
  try {
    pixels.resize(size);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

/// Calls one of the decoders below, chosen by the file's content. Errors: theirs; another format,
/// which is named.
Expected<Decoded> decode_image(const std::string& path, std::span<const uint8_t> bytes,
                               const ReadOptions& options);

/// CMYK becomes RGB as in Pillow. `options.made_into` may make it smaller. Errors: damaged, cut
/// off, too many pixels, no memory.
Expected<Decoded> decode_jpeg(const std::string& path, std::span<const uint8_t> bytes,
                              const ReadOptions& options);

/// 16-bit channels become their high byte; alpha is dropped; gamma and colour profiles are ignored.
/// Errors: damaged, cut off, too many pixels, no memory.
Expected<Decoded> decode_png(const std::string& path, std::span<const uint8_t> bytes);

/// Uncompressed pixels of 1 to 32 bits; alpha is dropped. Errors: compressed, damaged, cut off, too
/// many pixels.
Expected<Decoded> decode_bmp(const std::string& path, std::span<const uint8_t> bytes);

/// The first picture, on the whole canvas. Errors: damaged, cut off, too many pixels.
Expected<Decoded> decode_gif(const std::string& path, std::span<const uint8_t> bytes);

/// Lossy and lossless files; alpha is dropped. Errors: animated, damaged, cut off, too many pixels;
/// octet was built without libwebp.
Expected<Decoded> decode_webp(const std::string& path, std::span<const uint8_t> bytes);

}  // namespace octet::image
