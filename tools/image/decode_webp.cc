#include <cstring>

#include "tools/image/byte_order.h"
#include "tools/image/decoders.h"
#include "tools/image/exif.h"

#if OCTET_HAS_WEBP
#include <webp/decode.h>
#endif

namespace octet::image {

#if OCTET_HAS_WEBP
namespace {

/// The EXIF chunk of a RIFF file, or nothing.
std::span<const uint8_t> exif_chunk(std::span<const uint8_t> file) {
  constexpr std::size_t riff_header = 12;
  constexpr std::size_t chunk_header = 8;
  std::size_t at = riff_header;
  while (at + chunk_header <= file.size()) {
    const std::size_t size = little_endian(file, at + 4, 4);
    if (size > file.size() - at - chunk_header) break;
    if (std::memcmp(file.data() + at, "EXIF", 4) == 0) return file.subspan(at + chunk_header, size);
    at += chunk_header + size + size % 2;
  }
  return {};
}

}  // namespace

Expected<Decoded> decode_webp(const std::string& path, std::span<const uint8_t> bytes) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(bytes.data(), bytes.size(), &features) != VP8_STATUS_OK)
    return fail(path + ": damaged WebP: its header");
  if (features.has_animation != 0) {
    return fail(path + ": an animated WebP, and octet reads still pictures: webpmux -get frame 1 " +
                path + " -o frame.webp");
  }
  if (static_cast<uint64_t>(features.width) * static_cast<uint64_t>(features.height) > max_pixels)
    return fail(path + ": damaged WebP: more than 2^28 pixels");
  Decoded out{.image = {.height = features.height, .width = features.width},
              .orientation = exif_orientation(exif_chunk(bytes))};
  out.image.pixels.resize(static_cast<std::size_t>(features.height) *
                          static_cast<std::size_t>(features.width) * 3);
  if (WebPDecodeRGBInto(bytes.data(), bytes.size(), out.image.pixels.data(),
                        out.image.pixels.size(), features.width * 3) == nullptr) {
    return fail(path + ": damaged WebP: its pixels are damaged or cut off, or there is no memory");
  }
  return out;
}
#else
Expected<Decoded> decode_webp(const std::string& path, std::span<const uint8_t>) {
  return fail(path + ": a WebP image, and this octet was built without libwebp: dwebp " + path +
              " -o picture.png makes a PNG of it");
}
#endif

}  // namespace octet::image
