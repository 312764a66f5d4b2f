#include <png.h>

#include "tools/image/image.h"

namespace octet::image {

Expected<void> write_png(const Image& image, const std::string& path,
                         const tool::WriteRules& rules) {
  png_image png = {};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  std::vector<uint8_t> bytes(PNG_IMAGE_PNG_SIZE_MAX(png));
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&png, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr) ==
      0) {
    return fail(path + ": cannot write the PNG: " + png.message);
  }
  return tool::write_file(path, std::as_bytes(std::span(bytes).first(size)), rules);
}

}  // namespace octet::image
