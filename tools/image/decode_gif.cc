#include <algorithm>
#include <array>
#include <cstring>

#include "tools/image/byte_order.h"
#include "tools/image/decoders.h"

namespace octet::image {
namespace {

using Bytes = std::span<const uint8_t>;

/// The rest of the file, which has not been read yet.
class Source {
 public:
  explicit Source(Bytes bytes) : rest_(bytes) {}

  bool has(std::size_t count) const { return rest_.size() >= count; }
  Bytes take(std::size_t count) {
    const Bytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  /// Data come in blocks of up to 255 bytes, and end with an empty one. Returns false where the
  /// file is cut off.
  bool take_blocks(std::vector<uint8_t>* into) {
    while (has(1)) {
      const std::size_t size = take(1)[0];
      if (size == 0) return true;
      if (!has(size)) return false;
      const Bytes block = take(size);
      if (into != nullptr) into->insert(into->end(), block.begin(), block.end());
    }
    return false;
  }

 private:
  Bytes rest_;
};

/// LZW with codes of growing width, the lowest bit first. Returns false where a code is invalid, or
/// the data end before `indices` is full.
bool decompress(Bytes data, int code_bits, std::span<uint8_t> indices) {
  constexpr int most_bits = 12;
  constexpr uint32_t most_codes = 1U << most_bits;
  const uint32_t clear = 1U << code_bits;
  const uint32_t end = clear + 1;
  // A code stands for another code's bytes and one more.
  std::array<uint16_t, most_codes> before{};
  std::array<uint8_t, most_codes> last{};
  std::array<uint8_t, most_codes> reversed{};
  for (uint32_t i = 0; i < clear; ++i) last[i] = static_cast<uint8_t>(i);
  uint32_t next = end + 1;
  uint32_t previous = most_codes;  // none
  uint8_t first = 0;               // of the previous code's bytes
  int width = code_bits + 1;
  uint32_t bits = 0;
  int bit_count = 0;
  std::size_t filled = 0;
  for (std::size_t at = 0; filled < indices.size();) {
    while (bit_count < width && at < data.size()) {
      bits |= uint32_t{data[at++]} << bit_count;
      bit_count += 8;
    }
    if (bit_count < width) return false;
    const uint32_t code = bits & ((1U << width) - 1);
    bits >>= width;
    bit_count -= width;
    if (code == end) return false;
    if (code == clear) {
      next = end + 1;
      width = code_bits + 1;
      previous = most_codes;
      continue;
    }
    if (code > next || (code == next && previous == most_codes)) return false;
    std::size_t length = 0;
    uint32_t walk = code;
    if (code == next) {  // the previous code's bytes, and the first of them again
      reversed[length++] = first;
      walk = previous;
    }
    for (; walk >= clear; walk = before[walk]) {
      if (walk == clear || walk == end || length >= most_codes - 1) return false;
      reversed[length++] = last[walk];
    }
    first = last[walk];
    reversed[length++] = first;
    while (length > 0 && filled < indices.size()) indices[filled++] = reversed[--length];
    if (previous != most_codes && next < most_codes) {
      before[next] = static_cast<uint16_t>(previous);
      last[next] = first;
      ++next;
      if (next == 1U << width && width < most_bits) ++width;
    }
    previous = code;
  }
  return true;
}

/// Where row `i` of an interlaced picture belongs.
int interlaced_row(int i, int height) {
  for (const auto& [first, stride] : {std::pair{0, 8}, {4, 8}, {2, 4}, {1, 2}}) {
    const int rows = height > first ? (height - first + stride - 1) / stride : 0;
    if (i < rows) return first + i * stride;
    i -= rows;
  }
  return 0;
}

struct Frame {
  int left, top, width, height;
  bool interlaced;
  Bytes palette;  // R, G, B for each index; empty: gray
};

void paint(Image& canvas, const Frame& frame, uint8_t index, int y, int x) {
  if (y >= canvas.height || x >= canvas.width) return;
  uint8_t* pixel = canvas.at(y, x);
  for (std::size_t c = 0; c < 3; ++c) {
    const std::size_t at = std::size_t{index} * 3 + c;
    pixel[c] = frame.palette.empty() ? index : at < frame.palette.size() ? frame.palette[at] : 0;
  }
}

/// Returns an error's text, or null.
const char* decode(Source source, Image& canvas) {
  constexpr std::size_t header_size = 13;
  if (!source.has(header_size)) return "the file is cut off";
  const Bytes header = source.take(header_size);
  canvas.width = static_cast<int>(little_endian(header, 6, 2));
  canvas.height = static_cast<int>(little_endian(header, 8, 2));
  const auto take_palette = [&](uint8_t flags, Bytes& palette) {
    if ((flags & 0x80) == 0) return true;
    const std::size_t size = std::size_t{3} << ((flags & 7) + 1);
    if (!source.has(size)) return false;
    palette = source.take(size);
    return true;
  };
  Bytes global;
  if (!take_palette(header[10], global)) return "the file is cut off";
  int transparent = -1;
  while (source.has(1)) {
    const uint8_t kind = source.take(1)[0];
    if (kind == '!') {  // an extension
      std::vector<uint8_t> data;
      if (!source.has(1)) break;
      const uint8_t label = source.take(1)[0];
      constexpr uint8_t graphic_control = 0xF9;
      if (!source.take_blocks(label == graphic_control ? &data : nullptr)) break;
      if (data.size() >= 4) transparent = (data[0] & 1) != 0 ? data[3] : -1;
      continue;
    }
    if (kind != ',') return kind == ';' ? "there is no picture in it" : "an unknown kind of block";
    if (!source.has(9)) break;
    const Bytes descriptor = source.take(9);
    Frame frame{.left = static_cast<int>(little_endian(descriptor, 0, 2)),
                .top = static_cast<int>(little_endian(descriptor, 2, 2)),
                .width = static_cast<int>(little_endian(descriptor, 4, 2)),
                .height = static_cast<int>(little_endian(descriptor, 6, 2)),
                .interlaced = (descriptor[8] & 0x40) != 0,
                .palette = global};
    if (!take_palette(descriptor[8], frame.palette) || !source.has(1)) break;
    // A frame that sticks out makes the canvas larger, as in Pillow.
    canvas.width = std::max(canvas.width, frame.left + frame.width);
    canvas.height = std::max(canvas.height, frame.top + frame.height);
    if (canvas.width == 0 || canvas.height == 0) return "it has no pixels";
    if (static_cast<uint64_t>(canvas.width) * static_cast<uint64_t>(canvas.height) > max_pixels)
      return "more than 2^28 pixels";
    const int code_bits = source.take(1)[0];
    if (code_bits < 1 || code_bits > 8) return "codes of an impossible width";
    std::vector<uint8_t> data;
    if (!source.take_blocks(&data)) break;
    std::vector<uint8_t> indices(static_cast<std::size_t>(frame.width) *
                                 static_cast<std::size_t>(frame.height));
    if (!decompress(data, code_bits, indices)) return "its pixels are damaged or cut off";
    canvas.pixels.resize(static_cast<std::size_t>(canvas.width) *
                         static_cast<std::size_t>(canvas.height) * 3);
    for (int y = 0; y < canvas.height; ++y) {
      for (int x = 0; x < canvas.width; ++x)
        paint(canvas, frame, static_cast<uint8_t>(std::max(transparent, 0)), y, x);
    }
    for (int i = 0; i < frame.height; ++i) {
      const int y = frame.interlaced ? interlaced_row(i, frame.height) : i;
      const auto row = static_cast<std::size_t>(i) * static_cast<std::size_t>(frame.width);
      for (int x = 0; x < frame.width; ++x) {
        paint(canvas, frame, indices[row + static_cast<std::size_t>(x)], frame.top + y,
              frame.left + x);
      }
    }
    return nullptr;
  }
  return "the file is cut off";
}

}  // namespace

Expected<Decoded> decode_gif(const std::string& path, std::span<const uint8_t> bytes) {
  Decoded out;
  if (const char* error = decode(Source(bytes), out.image); error != nullptr) {
    return fail(path + ": damaged GIF: " + error);
  }
  return out;
}

}  // namespace octet::image
