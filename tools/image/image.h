// Images: how the tool reads, prepares, marks and writes them.
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
  /// The size of the picture in the file, where it was decoded smaller (ReadOptions::made_into); 0
  /// where it was not.
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
  /// Turns the picture as EXIF's orientation says, as viewers do.
  bool exif_rotate = true;
  /// For an image that will only be given to prepare(): a JPEG of more than 2^24 pixels is decoded
  /// at a half, a quarter or an eighth of its size, as long as it stays at least twice as large, in
  /// both directions, as prepare() scales it to. Null: all pixels are decoded.
  const Preprocess* made_into = nullptr;
};

/// Reads a JPEG, PNG, WebP, GIF (its first picture) or BMP, told apart by content, as R, G, B. The
/// pixels equal the exporter's, by the rules of docs/float_export.md, "preprocess". Errors: not
/// found, another format (named), damaged or cut off, more than 2^28 pixels, no memory.
Expected<Image> read_image(const std::string& path, const ReadOptions& options = {});

/// Writes an 8-bit PNG, under a temporary name until it is whole.
Expected<void> write_png(const Image& image, const std::string& path,
                         const tool::WriteRules& rules = {});

/// Resizes bilinearly with half-pixel centres, as Pillow's BILINEAR does: where the image shrinks,
/// the triangle filter is widened by the scale (antialiased). The horizontal pass is first, and its
/// results are rounded to 8 bits. Sizes are at least 1.
Image resize_bilinear(const Image& image, int height, int width);

/// Turns R, G, B into one channel, by ITU-R 601-2 luma weights.
Image to_gray(const Image& rgb);

/// A model's input, made from an image, and how to get from the input's coordinates back to the
/// picture's.
struct Prepared {
  std::vector<uint8_t> pixels;  ///< [height, width, channels] in the model's channel order
  double scale_x = 1;           ///< x of the picture = (x of the input + offset_x) * scale_x
  double scale_y = 1;
  double offset_x = 0;
  double offset_y = 0;
};

/// Makes a model's input by the rules of docs/float_export.md, "preprocess".
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
