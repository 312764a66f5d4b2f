#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
// jpeglib.h needs <cstdio> before it.
#include <jerror.h>
#include <jpeglib.h>

#include "tools/image/decoders.h"
#include "tools/image/exif.h"
#include "tools/image/scaled_extent.h"

namespace octet::image {
namespace {

// libjpeg reports errors by a call that must not return.
struct JpegErrors {
  jpeg_error_mgr base;
  std::jmp_buf leave;
  char message[JMSG_LENGTH_MAX] = "";
  bool out_of_memory = false;

  static void exit(j_common_ptr info) {
    auto* self = reinterpret_cast<JpegErrors*>(info->err);
    self->base.format_message(info, self->message);
    self->out_of_memory = self->base.msg_code == JERR_OUT_OF_MEMORY;
    std::longjmp(self->leave, 1);
  }
  // A warning means damaged data: a picture with a grey half must not be answered about.
  static void warn(j_common_ptr info, int level) {
    if (level < 0) exit(info);
  }
};

/// The orientation from the first APP1 segment that has EXIF.
int orientation_of(const jpeg_decompress_struct& info) {
  for (jpeg_saved_marker_ptr marker = info.marker_list; marker != nullptr; marker = marker->next) {
    if (marker->data_length < 6 || std::memcmp(marker->data, "Exif\0", 5) != 0) continue;
    return exif_orientation({marker->data, marker->data_length});
  }
  return 1;
}

/// How many times smaller the image is decoded, in both directions: see ReadOptions::made_into.
unsigned reduction(const jpeg_decompress_struct& info, int orientation,
                   const ReadOptions& options) {
  constexpr uint64_t large = uint64_t{1} << 24;
  if (options.made_into == nullptr || uint64_t{info.image_width} * info.image_height <= large) {
    return 1;
  }
  const bool side = options.exif_rotate && is_on_its_side(orientation);
  const Extent file{.height = info.image_height, .width = info.image_width};
  const Extent picture = side ? Extent{.height = file.width, .width = file.height} : file;
  const Extent scaled = scaled_extent(picture, *options.made_into);
  for (const unsigned times : {8U, 4U, 2U}) {
    if (picture.height >= 2 * times * scaled.height && picture.width >= 2 * times * scaled.width)
      return times;
  }
  return 1;
}

// No object with a destructor may live between setjmp and longjmp: `out` belongs to the caller. Its
// image gets 4 channels where the file has them, otherwise R, G, B.
bool decode(std::span<const uint8_t> bytes, const ReadOptions& options, Decoded& out,
            JpegErrors& errors) {
  Image& image = out.image;
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
  jpeg_save_markers(&info, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&info, TRUE);
  if (uint64_t{info.image_width} * info.image_height > max_pixels) {
    std::snprintf(errors.message, sizeof(errors.message), "more than 2^28 pixels");
    std::longjmp(errors.leave, 1);
  }
  // libjpeg can turn YCCK into CMYK, but neither into RGB.
  info.out_color_space = info.num_components == 4 ? JCS_CMYK : JCS_RGB;
  out.orientation = orientation_of(info);
  info.scale_num = 1;
  info.scale_denom = reduction(info, out.orientation, options);
  jpeg_start_decompress(&info);
  image.height = static_cast<int>(info.output_height);
  image.width = static_cast<int>(info.output_width);
  image.channels = info.output_components;
  if (info.scale_denom > 1) {
    image.picture_height = static_cast<int>(info.image_height);
    image.picture_width = static_cast<int>(info.image_width);
  }
  if (!make_room(image.pixels, static_cast<std::size_t>(image.height) *
                                   static_cast<std::size_t>(image.width) *
                                   static_cast<std::size_t>(image.channels))) {
    errors.out_of_memory = true;
    std::longjmp(errors.leave, 1);
  }
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = image.at(static_cast<int>(info.output_scanline), 0);
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return true;
}

// By Adobe's convention, JPEG files hold CMYK inverted: 255 is no ink.
Image rgb_of_inverted_cmyk(const Image& cmyk) {
  Image rgb{.height = cmyk.height,
            .width = cmyk.width,
            .picture_height = cmyk.picture_height,
            .picture_width = cmyk.picture_width};
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

Expected<Decoded> decode_jpeg(const std::string& path, std::span<const uint8_t> bytes,
                              const ReadOptions& options) {
  Decoded out;
  auto errors = std::make_unique<JpegErrors>();
  if (!decode(bytes, options, out, *errors)) {
    if (errors->out_of_memory) return fail(path + ": not enough memory for this picture's pixels");
    return fail(path + ": damaged JPEG: " + errors->message);
  }
  if (out.image.channels == 4) out.image = rgb_of_inverted_cmyk(out.image);
  return out;
}

}  // namespace octet::image
