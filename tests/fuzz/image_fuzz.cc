// Decodes any bytes as an image, turns it upright and makes a small input of it.
#include <cstdint>
#include <cstdlib>

#include "tools/image/decoders.h"
#include "tools/image/exif.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const octet::Preprocess preprocess{.height = 16,
                                     .width = 16,
                                     .resize = octet::ResizeRule::crop,
                                     .mean = {0, 0, 0},
                                     .std = {1, 1, 1}};
  auto decoded = octet::image::decode_image("image", {data, size}, {.made_into = &preprocess});
  if (!decoded) return 0;
  const octet::image::Image image =
      octet::image::upright(std::move(decoded->image), decoded->orientation);
  if (image.pixels.size() != static_cast<std::size_t>(image.height) *
                                 static_cast<std::size_t>(image.width) *
                                 static_cast<std::size_t>(image.channels)) {
    std::abort();
  }
  if (octet::image::prepare(image, preprocess).pixels.size() != 16 * 16 * 3) std::abort();
  return 0;
}
