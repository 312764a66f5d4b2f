#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
// jpeglib.h needs <cstdio> before it.
#include <jpeglib.h>
#include <png.h>

#include "tools/image/image.h"

namespace octet::image {
namespace {

constexpr uint64_t max_pixels = uint64_t{1} << 28;

Expected<std::vector<uint8_t>> read_bytes(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return fail(path + ": not a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(path + ": cannot open the image: " + std::strerror(errno));
  std::vector<uint8_t> bytes((std::istreambuf_iterator<char>(file)),
                             std::istreambuf_iterator<char>());
  if (file.bad() || bytes.empty()) return fail(path + ": the image is empty or cannot be read");
  return bytes;
}

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

// No object with a destructor may live between setjmp and longjmp: `image` is the caller's.
bool decode_jpeg(const std::vector<uint8_t>& bytes, Image& image, JpegErrors& errors) {
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
  info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&info);
  image.height = static_cast<int>(info.output_height);
  image.width = static_cast<int>(info.output_width);
  image.pixels.resize(static_cast<std::size_t>(image.height) *
                      static_cast<std::size_t>(image.width) * 3);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = image.at(static_cast<int>(info.output_scanline), 0);
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return true;
}

Expected<Image> read_jpeg(const std::string& path, const std::vector<uint8_t>& bytes) {
  Image image;
  auto errors = std::make_unique<JpegErrors>();
  if (!decode_jpeg(bytes, image, *errors)) return fail(path + ": damaged JPEG: " + errors->message);
  return image;
}

Expected<Image> read_png(const std::string& path, const std::vector<uint8_t>& bytes) {
  png_image png = {};
  png.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()) == 0) {
    return fail(path + ": damaged PNG: " + png.message);
  }
  if (uint64_t{png.width} * png.height > max_pixels) {
    png_image_free(&png);
    return fail(path + ": more than 2^28 pixels");
  }
  // Transparency is laid on black, as dropping the alpha channel of most files would look.
  png.format = PNG_FORMAT_RGB;
  Image image{.height = static_cast<int>(png.height), .width = static_cast<int>(png.width)};
  image.pixels.resize(PNG_IMAGE_SIZE(png));
  const png_color black = {0, 0, 0};
  if (png_image_finish_read(&png, &black, image.pixels.data(), 0, nullptr) == 0) {
    const std::string message = png.message;
    png_image_free(&png);
    return fail(path + ": damaged PNG: " + message);
  }
  return image;
}

}  // namespace

Expected<Image> read_image(const std::string& path) {
  const auto bytes = read_bytes(path);
  if (!bytes) return tl::unexpected(bytes.error());
  const std::vector<uint8_t>& b = *bytes;
  if (b.size() > 3 && b[0] == 0xFF && b[1] == 0xD8 && b[2] == 0xFF) return read_jpeg(path, b);
  if (b.size() > 8 && std::memcmp(b.data(), "\x89PNG\r\n\x1a\n", 8) == 0) return read_png(path, b);
  return fail(path + ": neither a JPEG nor a PNG image");
}

}  // namespace octet::image
