#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>

#include "tools/image/byte_order.h"
#include "tools/image/decoders.h"

namespace octet::image {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr std::size_t file_header = 14;

struct Layout {
  int64_t width = 0;
  int64_t height = 0;
  bool top_down = false;
  uint32_t bits = 0;
  std::array<uint32_t, 3> masks{};  // of R, G, B in pixels of 16 and 32 bits
  Bytes palette;                    // B, G, R(, 0) for each index
  std::size_t palette_stride = 4;
  std::size_t pixels_at = 0;
};

/// Returns an error's text, or null.
const char* read_layout(Bytes file, Layout& layout) {
  const uint32_t header = little_endian(file, file_header, 4);
  if (file.size() < file_header + 12 || file.size() - file_header < header) {
    return "the file is cut off";
  }
  layout.pixels_at = little_endian(file, 10, 4);
  constexpr uint32_t core_header = 12;
  constexpr uint32_t info_header = 40;
  uint32_t compression = 0;
  uint32_t colors = 0;
  if (header == core_header) {
    layout.width = little_endian(file, file_header + 4, 2);
    layout.height = little_endian(file, file_header + 6, 2);
    layout.bits = little_endian(file, file_header + 10, 2);
    layout.palette_stride = 3;
  } else if (header >= info_header && header <= 256) {
    layout.width = static_cast<int32_t>(little_endian(file, file_header + 4, 4));
    layout.height = static_cast<int32_t>(little_endian(file, file_header + 8, 4));
    layout.bits = little_endian(file, file_header + 14, 2);
    compression = little_endian(file, file_header + 16, 4);
    colors = little_endian(file, file_header + 32, 4);
  } else {
    return "a header of an unknown size";
  }
  layout.top_down = layout.height < 0;
  layout.height = std::abs(layout.height);
  if (layout.width < 1 || layout.height < 1) return "it has no pixels";
  if (static_cast<uint64_t>(layout.width) * static_cast<uint64_t>(layout.height) > max_pixels)
    return "more than 2^28 pixels";
  constexpr uint32_t plain = 0;
  constexpr uint32_t bit_fields = 3;
  if (compression != plain && compression != bit_fields)
    return "compressed pixels, which octet does not read: save it as PNG";
  const std::size_t after_header = file_header + header;
  std::size_t palette_at = after_header;
  if (layout.bits == 16) layout.masks = {0x7C00, 0x03E0, 0x001F};
  if (layout.bits == 32) layout.masks = {0xFF0000, 0xFF00, 0xFF};
  if (compression == bit_fields) {
    if (layout.bits != 16 && layout.bits != 32) return "bit masks for pixels that have none";
    // Longer headers have the masks inside, at the same place.
    for (std::size_t c = 0; c < 3; ++c)
      layout.masks[c] = little_endian(file, file_header + info_header + 4 * c, 4);
    if (header == info_header) palette_at += 12;
  }
  for (const uint32_t mask : layout.masks) {
    const bool used = layout.bits == 16 || layout.bits == 32;
    if (used && (mask == 0 || std::popcount(mask) > 8 ||
                 std::popcount(mask) + std::countl_zero(mask) + std::countr_zero(mask) != 32)) {
      return "bit masks that octet does not read";
    }
  }
  if (layout.bits == 1 || layout.bits == 4 || layout.bits == 8) {
    const std::size_t most = std::size_t{1} << layout.bits;
    const std::size_t count = colors == 0 || colors > most ? most : colors;
    if (palette_at > file.size() || file.size() - palette_at < count * layout.palette_stride)
      return "the file is cut off";
    layout.palette = file.subspan(palette_at, count * layout.palette_stride);
  } else if (layout.bits != 16 && layout.bits != 24 && layout.bits != 32) {
    return "pixels of an unknown size";
  }
  return nullptr;
}

/// A channel of up to 8 bits becomes 0 to 255, as in Pillow.
uint8_t channel(uint32_t pixel, uint32_t mask) {
  const uint32_t largest = mask >> std::countr_zero(mask);
  const uint32_t value = (pixel & mask) >> std::countr_zero(mask);
  return static_cast<uint8_t>(value * 255 / largest);
}

/// Returns false for an index that the palette does not have.
bool read_pixel(const Layout& layout, Bytes row, int64_t x, uint8_t* rgb) {
  const auto at = static_cast<std::size_t>(x);
  if (layout.bits <= 8) {
    const std::size_t in_byte = 8 / layout.bits;
    const auto shift = static_cast<uint32_t>((in_byte - 1 - at % in_byte) * layout.bits);
    const std::size_t index = row[at / in_byte] >> shift & ((1U << layout.bits) - 1);
    if ((index + 1) * layout.palette_stride > layout.palette.size()) return false;
    for (std::size_t c = 0; c < 3; ++c)
      rgb[c] = layout.palette[index * layout.palette_stride + 2 - c];
  } else if (layout.bits == 24) {
    for (std::size_t c = 0; c < 3; ++c) rgb[c] = row[at * 3 + 2 - c];
  } else {
    const std::size_t size = layout.bits / 8;
    const uint32_t pixel = little_endian(row, at * size, size);
    for (std::size_t c = 0; c < 3; ++c) rgb[c] = channel(pixel, layout.masks[c]);
  }
  return true;
}

const char* decode(Bytes file, Image& image) {
  Layout layout;
  if (const char* error = read_layout(file, layout); error != nullptr) return error;
  // Rows begin at multiples of four bytes.
  const std::size_t stride = (static_cast<std::size_t>(layout.width) * layout.bits + 31) / 32 * 4;
  const auto height = static_cast<std::size_t>(layout.height);
  if (layout.pixels_at > file.size() || (file.size() - layout.pixels_at) / stride < height)
    return "the file is cut off";
  image.height = static_cast<int>(layout.height);
  image.width = static_cast<int>(layout.width);
  image.pixels.resize(height * static_cast<std::size_t>(layout.width) * 3);
  for (int y = 0; y < image.height; ++y) {
    const auto from = static_cast<std::size_t>(layout.top_down ? y : image.height - 1 - y);
    const Bytes row = file.subspan(layout.pixels_at + from * stride, stride);
    for (int x = 0; x < image.width; ++x) {
      if (!read_pixel(layout, row, x, image.at(y, x))) return "a colour that its palette has not";
    }
  }
  return nullptr;
}

}  // namespace

Expected<Decoded> decode_bmp(const std::string& path, std::span<const uint8_t> bytes) {
  Decoded out;
  if (const char* error = decode(bytes, out.image); error != nullptr) {
    return fail(path + ": BMP: " + error);
  }
  return out;
}

}  // namespace octet::image
