#include <cstring>
#include <new>
#include <string_view>

#include "tools/image/decoders.h"
#include "tools/image/exif.h"
#include "tools/image/image.h"
#include "tools/read_file.h"

namespace octet::image {
namespace {

using Bytes = std::span<const uint8_t>;

bool has_at(Bytes bytes, std::size_t at, std::string_view text) {
  return bytes.size() >= at + text.size() &&
         std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

/// A format that octet knows and does not read.
struct Foreign {
  const char* name;
  const char* command;  ///< Converts it, followed by the file and a PNG.
  bool (*matches)(Bytes file);
};

constexpr Foreign foreign[] = {
    {"an AVIF image", "avifdec",
     [](Bytes b) { return has_at(b, 4, "ftypavif") || has_at(b, 4, "ftypavis"); }},
    {"a HEIC image", "heif-convert",
     [](Bytes b) {
       return has_at(b, 4, "ftyp") && (has_at(b, 8, "hei") || has_at(b, 8, "hev") ||
                                       has_at(b, 8, "mif1") || has_at(b, 8, "msf1"));
     }},
    {"a TIFF image (or a camera's raw one)", "ImageMagick's convert",
     [](Bytes b) {
       return has_at(b, 0, {"II*\0", 4}) || has_at(b, 0, {"MM\0*", 4}) ||
              has_at(b, 0, {"II+\0", 4}) || has_at(b, 0, {"MM\0+", 4});
     }},
    {"a JPEG XL image", "djxl",
     [](Bytes b) { return has_at(b, 0, "\xFF\x0A") || has_at(b, 4, "JXL \x0D\x0A\x87\x0A"); }},
    {"a JPEG 2000 image", "ImageMagick's convert",
     [](Bytes b) { return has_at(b, 0, "\xFF\x4F\xFF\x51") || has_at(b, 4, "jP  \x0D\x0A"); }},
    {"a Photoshop image", "ImageMagick's convert", [](Bytes b) { return has_at(b, 0, "8BPS"); }},
    {"a PDF document", "pdftoppm -png", [](Bytes b) { return has_at(b, 0, "%PDF-"); }},
    {"a NetPBM image", "ImageMagick's convert",
     [](Bytes b) {
       return b.size() > 2 && b[0] == 'P' && b[1] >= '1' && b[1] <= '7' && b[2] <= 32;
     }},
    {"an SVG drawing", "rsvg-convert -o picture.png",
     [](Bytes b) {
       const std::string_view text(reinterpret_cast<const char*>(b.data()), b.size());
       return text.starts_with('<') && text.substr(0, 1024).find("<svg") != std::string_view::npos;
     }},
};

}  // namespace

Expected<Decoded> decode_image(const std::string& path, std::span<const uint8_t> b,
                               const ReadOptions& options) {
  if (has_at(b, 0, "\xFF\xD8\xFF")) return decode_jpeg(path, b, options);
  if (has_at(b, 0, "\x89PNG\r\n\x1a\n")) return decode_png(path, b);
  if (has_at(b, 0, "GIF87a") || has_at(b, 0, "GIF89a")) return decode_gif(path, b);
  if (has_at(b, 0, "RIFF") && has_at(b, 8, "WEBP")) return decode_webp(path, b);
  for (const Foreign& format : foreign) {
    if (!format.matches(b)) continue;
    const std::string command = format.command;
    const bool says_output = command.find("picture.png") != std::string::npos;
    return fail(path + ": " + format.name + ", which octet does not read: make a PNG of it (" +
                command + " " + path + (says_output ? ")" : " picture.png)"));
  }
  // BMP is tried last, since two letters are little evidence.
  if (has_at(b, 0, "BM")) return decode_bmp(path, b);
  return fail(path + ": neither a JPEG nor a PNG image, nor a WebP, GIF or BMP one");
}

Expected<Image> read_image(const std::string& path, const ReadOptions& options) {
  const auto bytes = tool::read_file(path);
  if (!bytes) return tl::unexpected(bytes.error());
  if (bytes->empty()) return fail(path + ": the image is empty");
  try {
    auto decoded = decode_image(path, *bytes, options);
    if (!decoded) return tl::unexpected(decoded.error());
    if (!options.exif_rotate) return std::move(decoded->image);
    return upright(std::move(decoded->image), decoded->orientation);
  } catch (const std::bad_alloc&) {
    return fail(path + ": not enough memory for this picture's pixels");
  }
}

}  // namespace octet::image
