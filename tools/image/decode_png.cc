#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>

#include "tools/image/decoders.h"
#include "tools/image/exif.h"

namespace octet::image {
namespace {

// libpng reports errors by a call that must not return.
struct PngSource {
  std::span<const uint8_t> rest;
  std::jmp_buf leave;
  char message[128] = "";

  static void read(png_structp png, png_bytep to, std::size_t count) {
    auto* self = static_cast<PngSource*>(png_get_io_ptr(png));
    if (count > self->rest.size()) png_error(png, "the file is cut off");
    std::copy_n(self->rest.data(), count, to);
    self->rest = self->rest.subspan(count);
  }
  static void exit(png_structp png, png_const_charp message) {
    auto* self = static_cast<PngSource*>(png_get_error_ptr(png));
    std::snprintf(self->message, sizeof(self->message), "%s", message);
    std::longjmp(self->leave, 1);
  }
  // Warnings are about chunks that say nothing about pixels.
  static void warn(png_structp, png_const_charp) {}
};

// Every kind of PNG becomes 8-bit R, G, B. libpng's gamma and background are not used: they would
// change pixels that Pillow leaves as they are.
void ask_for_rgb(png_structp png) {
  png_set_palette_to_rgb(png);
  png_set_expand_gray_1_2_4_to_8(png);
  png_set_strip_16(png);
  png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
}

constexpr char no_memory[] = "not enough memory for its pixels";

// No object with a destructor may live between setjmp and longjmp: `out` belongs to the caller.
bool decode(PngSource& source, Decoded& out) {
  Image& image = out.image;
  png_structp png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, PngSource::exit, PngSource::warn);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  if (info == nullptr) {
    png_destroy_read_struct(&png, nullptr, nullptr);
    std::snprintf(source.message, sizeof(source.message), "%s", no_memory);
    return false;
  }
  if (setjmp(source.leave) != 0) {
    png_destroy_read_struct(&png, &info, nullptr);
    return false;
  }
  png_set_read_fn(png, &source, PngSource::read);
  png_read_info(png, info);
  if (uint64_t{png_get_image_width(png, info)} * png_get_image_height(png, info) > max_pixels) {
    png_error(png, "more than 2^28 pixels");
  }
  ask_for_rgb(png);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  image.height = static_cast<int>(png_get_image_height(png, info));
  image.width = static_cast<int>(png_get_image_width(png, info));
  if (!make_room(image.pixels, static_cast<std::size_t>(image.height) *
                                   static_cast<std::size_t>(image.width) * 3)) {
    png_error(png, no_memory);
  }
  if (png_get_rowbytes(png, info) != static_cast<std::size_t>(image.width) * 3) {
    png_error(png, "a kind of pixels that does not become RGB");
  }
  for (int pass = 0; pass < passes; ++pass) {
    for (int y = 0; y < image.height; ++y) png_read_row(png, image.at(y, 0), nullptr);
  }
  // EXIF may stand behind the pixels.
  png_read_end(png, info);
#ifdef PNG_eXIf_SUPPORTED
  png_uint_32 exif_size = 0;
  png_bytep exif = nullptr;
  if (png_get_eXIf_1(png, info, &exif_size, &exif) != 0)
    out.orientation = exif_orientation({exif, exif_size});
#endif
  png_destroy_read_struct(&png, &info, nullptr);
  return true;
}

}  // namespace

Expected<Decoded> decode_png(const std::string& path, std::span<const uint8_t> bytes) {
  Decoded out;
  PngSource source{.rest = bytes};
  if (!decode(source, out)) {
    // libpng's own message about memory has the word, too.
    const bool memory = std::strstr(source.message, "memory") != nullptr;
    return fail(path + (memory ? ": " : ": damaged PNG: ") + source.message);
  }
  return out;
}

}  // namespace octet::image
