// Images as the tool reads, prepares, marks and writes them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "octet/octet.hpp"
#include "tools/write_file.h"

namespace octet::image {

/// u8 pixels [height, width, channels], row-major.
struct Image {
  int height = 0;
  int width = 0;
  int channels = 3;  ///< 3: R, G, B; 1: gray
  std::vector<uint8_t> pixels;
  /// Of the picture in the file, where these pixels are fewer (ReadOptions::made_into); 0: it is as
  /// large as these.
  int picture_height = 0;
  int picture_width = 0;

  uint8_t* at(int y, int x) {
    return pixels.data() + (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                            static_cast<std::size_t>(x)) *
                               static_cast<std::size_t>(channels);
  }
  const uint8_t* at(int y, int x) const { return const_cast<Image*>(this)->at(y, x); }
};

struct ReadOptions {
  /// Turns the picture as EXIF's orientation says, which viewers do, too.
  bool exif_rotate = true;
  /// Where prepare() is all that will be done with it: a JPEG of more than 2^24 pixels is decoded
  /// at a half, a quarter or an eighth of its size, as long as twice the pixels remain that it is
  /// scaled to, in both directions. Null: all its pixels.
  const Preprocess* made_into = nullptr;
};

/// JPEG, PNG, WebP, GIF (its first picture) or BMP, told apart by content, as R, G, B: the
/// exporter's pixels, by the rules of docs/float_export.md, "preprocess". Errors: not found,
/// another format (named), damaged or cut off, more than 2^28 pixels, no memory.
Expected<Image> read_image(const std::string& path, const ReadOptions& options = {});

/// 8-bit PNG, under a temporary name until it is whole.
Expected<void> write_png(const Image& image, const std::string& path,
                         const tool::WriteRules& rules = {});

/// Bilinear with half-pixel centres; when it shrinks, the triangle filter is widened by the scale
/// (antialiased), as Pillow's BILINEAR. Horizontal first, rounded to 8 bits between the passes.
/// Sizes are at least 1.
Image resize_bilinear(const Image& image, int height, int width);

/// One channel by ITU-R 601-2 luma weights.
Image to_gray(const Image& rgb);

/// A model's input made of an image, and the way back from the input's pixels to the picture's.
struct Prepared {
  std::vector<uint8_t> pixels;  ///< [height, width, channels] in the model's channel order
  double scale_x = 1;           ///< x of the picture = (x of the input + offset_x) * scale_x
  double scale_y = 1;
  double offset_x = 0;
  double offset_y = 0;
};

/// By the rules of docs/float_export.md, "preprocess".
Prepared prepare(const Image& image, const Preprocess& preprocess);

struct Color {
  uint8_t r, g, b;
};

/// A rectangle's outline, clipped to the image. Corners in pixels.
void draw_rectangle(Image& image, double left, double top, double right, double bottom, Color color,
                    int thickness);
void draw_dot(Image& image, double x, double y, Color color, int radius);

/// Text in a 5x7 dot font (capitals, digits and signs; other characters become '?') times `size`,
/// on a dark ground.
void draw_text(Image& image, double x, double y, const std::string& text, Color color, int size);

}  // namespace octet::image
