#include "tools/image/exif.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace octet::image {
namespace {

constexpr uint16_t orientation_tag = 0x0112;
constexpr uint16_t short_type = 3;
constexpr uint16_t long_type = 4;

/// Reads numbers of a TIFF file, in the file's order of bytes. Numbers beyond its end are 0.
class Tiff {
 public:
  Tiff(std::span<const uint8_t> bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  uint32_t number(std::size_t at, std::size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) return 0;
    uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value = value << 8 | bytes_[at + (big_endian_ ? i : size - 1 - i)];
    }
    return value;
  }

 private:
  std::span<const uint8_t> bytes_;
  bool big_endian_;
};

}  // namespace

int exif_orientation(std::span<const uint8_t> exif) {
  constexpr std::string_view prefix("Exif\0\0", 6);
  if (exif.size() >= prefix.size() && std::memcmp(exif.data(), prefix.data(), prefix.size()) == 0) {
    exif = exif.subspan(prefix.size());
  }
  if (exif.size() < 8) return 1;
  const bool big_endian = exif[0] == 'M' && exif[1] == 'M';
  if (!big_endian && !(exif[0] == 'I' && exif[1] == 'I')) return 1;
  const Tiff tiff(exif, big_endian);
  if (tiff.number(2, 2) != 42) return 1;
  const std::size_t directory = tiff.number(4, 4);
  const std::size_t entries = tiff.number(directory, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (tiff.number(entry, 2) != orientation_tag) continue;
    const uint32_t type = tiff.number(entry + 2, 2);
    if ((type != short_type && type != long_type) || tiff.number(entry + 4, 4) != 1) return 1;
    const uint32_t value = tiff.number(entry + 8, type == short_type ? 2 : 4);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Image upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool side = is_on_its_side(orientation);
  const auto has = [orientation](std::initializer_list<int> list) {
    return std::ranges::find(list, orientation) != list.end();
  };
  const bool from_bottom = has({3, 4, 6, 7});
  const bool from_right = has({2, 3, 7, 8});
  Image out{.height = side ? image.width : image.height,
            .width = side ? image.height : image.width,
            .channels = image.channels,
            .picture_height = side ? image.picture_width : image.picture_height,
            .picture_width = side ? image.picture_height : image.picture_width};
  out.pixels.resize(image.pixels.size());
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const int row = side ? x : y;
      const int column = side ? y : x;
      const uint8_t* from = image.at(from_bottom ? image.height - 1 - row : row,
                                     from_right ? image.width - 1 - column : column);
      std::copy_n(from, image.channels, out.at(y, x));
    }
  }
  return out;
}

}  // namespace octet::image
