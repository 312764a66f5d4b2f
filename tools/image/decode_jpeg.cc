#include <csetjmp>
#include <cstdio>
#include <memory>
// jpeglib.h needs <cstdio> before it.
#include <jpeglib.h>

#include "tools/image/decoders.h"

namespace octet::image {
namespace {

// libjpeg reports errors by a call that must not return.
struct JpegErrors {
  jpeg_error_mgr base;
  std::jmp_buf leave;
  char message[JMSG_LENGTH_MAX] = "";

  static void exit(j_common_ptr info) {
    auto* self = reinterpret_cast<JpegErrors*>(info->err);
    self->base.format_message(info, self->message);
    std::longjmp(self->leave, 1);
  }
  // A warning means damaged data: a picture with a grey half must not be answered about.
  static void warn(j_common_ptr info, int level) {
    if (level < 0) exit(info);
  }
};

// No object with a destructor may live between setjmp and longjmp: `image` is the caller's. It gets
// 4 channels where the file has them, otherwise R, G, B.
bool decode(std::span<const uint8_t> bytes, Image& image, JpegErrors& errors) {
  jpeg_decompress_struct info;
  info.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = JpegErrors::exit;
  errors.base.emit_message = JpegErrors::warn;
  if (setjmp(errors.leave) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, bytes.data(), static_cast<unsigned long>(bytes.size()));
  jpeg_read_header(&info, TRUE);
  if (uint64_t{info.image_width} * info.image_height > max_pixels) {
    std::snprintf(errors.message, sizeof(errors.message), "more than 2^28 pixels");
    std::longjmp(errors.leave, 1);
  }
  // libjpeg makes CMYK of YCCK, and RGB of neither.
  info.out_color_space = info.num_components == 4 ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&info);
  image.height = static_cast<int>(info.output_height);
  image.width = static_cast<int>(info.output_width);
  image.channels = info.output_components;
  image.pixels.resize(static_cast<std::size_t>(image.height) *
                      static_cast<std::size_t>(image.width) *
                      static_cast<std::size_t>(image.channels));
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = image.at(static_cast<int>(info.output_scanline), 0);
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return true;
}

// JPEG files hold CMYK inverted, by Adobe's convention: 255 is no ink.
Image rgb_of_inverted_cmyk(const Image& cmyk) {
  Image rgb{.height = cmyk.height, .width = cmyk.width};
  rgb.pixels.reserve(cmyk.pixels.size() / 4 * 3);
  for (std::size_t i = 0; i + 3 < cmyk.pixels.size(); i += 4) {
    const uint32_t light = cmyk.pixels[i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      // ink * light / 255, rounded as Pillow rounds it
      const uint32_t product = (255U - cmyk.pixels[i + c]) * light + 128;
      const uint32_t absorbed = (product + (product >> 8)) >> 8;
      rgb.pixels.push_back(static_cast<uint8_t>(light - absorbed));
    }
  }
  return rgb;
}

}  // namespace

Expected<Image> decode_jpeg(const std::string& path, std::span<const uint8_t> bytes) {
  Image image;
  auto errors = std::make_unique<JpegErrors>();
  if (!decode(bytes, image, *errors)) return fail(path + ": damaged JPEG: " + errors->message);
  return image.channels == 4 ? rgb_of_inverted_cmyk(image) : image;
}

}  // namespace octet::image
