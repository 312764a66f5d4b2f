#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string_view>

#include "tools/image/image.h"

namespace octet::image {
namespace {

constexpr int glyph_width = 5;
constexpr int glyph_height = 7;

// Seven rows of five dots, the leftmost in bit 4; drawn for this project.
struct Glyph {
  char character;
  std::array<uint8_t, glyph_height> rows;
};

constexpr Glyph glyphs[] = {
    {' ', {0, 0, 0, 0, 0, 0, 0}},        {'0', {14, 17, 19, 21, 25, 17, 14}},
    {'1', {4, 12, 4, 4, 4, 4, 14}},      {'2', {14, 17, 1, 6, 8, 16, 31}},
    {'3', {30, 1, 1, 14, 1, 1, 30}},     {'4', {2, 6, 10, 18, 31, 2, 2}},
    {'5', {31, 16, 30, 1, 1, 17, 14}},   {'6', {6, 8, 16, 30, 17, 17, 14}},
    {'7', {31, 1, 2, 4, 8, 8, 8}},       {'8', {14, 17, 17, 14, 17, 17, 14}},
    {'9', {14, 17, 17, 15, 1, 2, 12}},   {'A', {14, 17, 17, 31, 17, 17, 17}},
    {'B', {30, 17, 17, 30, 17, 17, 30}}, {'C', {14, 17, 16, 16, 16, 17, 14}},
    {'D', {30, 17, 17, 17, 17, 17, 30}}, {'E', {31, 16, 16, 30, 16, 16, 31}},
    {'F', {31, 16, 16, 30, 16, 16, 16}}, {'G', {14, 17, 16, 23, 17, 17, 15}},
    {'H', {17, 17, 17, 31, 17, 17, 17}}, {'I', {14, 4, 4, 4, 4, 4, 14}},
    {'J', {7, 2, 2, 2, 2, 18, 12}},      {'K', {17, 18, 20, 24, 20, 18, 17}},
    {'L', {16, 16, 16, 16, 16, 16, 31}}, {'M', {17, 27, 21, 21, 17, 17, 17}},
    {'N', {17, 25, 21, 19, 17, 17, 17}}, {'O', {14, 17, 17, 17, 17, 17, 14}},
    {'P', {30, 17, 17, 30, 16, 16, 16}}, {'Q', {14, 17, 17, 17, 21, 18, 13}},
    {'R', {30, 17, 17, 30, 20, 18, 17}}, {'S', {15, 16, 16, 14, 1, 1, 30}},
    {'T', {31, 4, 4, 4, 4, 4, 4}},       {'U', {17, 17, 17, 17, 17, 17, 14}},
    {'V', {17, 17, 17, 17, 17, 10, 4}},  {'W', {17, 17, 17, 21, 21, 27, 17}},
    {'X', {17, 17, 10, 4, 10, 17, 17}},  {'Y', {17, 17, 10, 4, 4, 4, 4}},
    {'Z', {31, 1, 2, 4, 8, 16, 31}},     {'.', {0, 0, 0, 0, 0, 12, 12}},
    {',', {0, 0, 0, 0, 12, 4, 8}},       {'-', {0, 0, 0, 31, 0, 0, 0}},
    {'_', {0, 0, 0, 0, 0, 0, 31}},       {'%', {25, 25, 2, 4, 8, 19, 19}},
    {':', {0, 12, 12, 0, 12, 12, 0}},    {'/', {1, 1, 2, 4, 8, 16, 16}},
    {'(', {2, 4, 8, 8, 8, 4, 2}},        {')', {8, 4, 2, 2, 2, 4, 8}},
    {'\'', {4, 4, 8, 0, 0, 0, 0}},       {'?', {14, 17, 1, 6, 4, 0, 4}},
};

const Glyph& glyph_of(char character) {
  const char upper = static_cast<char>(std::toupper(static_cast<unsigned char>(character)));
  const auto* found = std::ranges::find(glyphs, upper, &Glyph::character);
  return found != std::end(glyphs) ? *found : *std::ranges::find(glyphs, '?', &Glyph::character);
}

void set_pixel(Image& image, int x, int y, Color color) {
  if (x < 0 || y < 0 || x >= image.width || y >= image.height) return;
  uint8_t* p = image.at(y, x);
  p[0] = color.r;
  p[1] = color.g;
  p[2] = color.b;
}

void fill(Image& image, int left, int top, int right, int bottom, Color color) {
  for (int y = std::max(top, 0); y < std::min(bottom, image.height); ++y) {
    for (int x = std::max(left, 0); x < std::min(right, image.width); ++x)
      set_pixel(image, x, y, color);
  }
}

// The index of the pixel at a coordinate, which may lie far outside or be NaN; NaN lies far
// outside, too.
int pixel(double v) {
  return v >= -1e6 ? static_cast<int>(std::lround(std::min(v, 1e6))) : -1'000'000;
}

}  // namespace

void draw_rectangle(Image& image, double left, double top, double right, double bottom, Color color,
                    int thickness) {
  const int l = pixel(left), t = pixel(top), r = pixel(right), b = pixel(bottom);
  fill(image, l, t, r + 1, t + thickness, color);
  fill(image, l, b - thickness + 1, r + 1, b + 1, color);
  fill(image, l, t, l + thickness, b + 1, color);
  fill(image, r - thickness + 1, t, r + 1, b + 1, color);
}

void draw_dot(Image& image, double x, double y, Color color, int radius) {
  const int cx = pixel(x), cy = pixel(y);
  for (int dy = -radius; dy <= radius; ++dy) {
    for (int dx = -radius; dx <= radius; ++dx) {
      if (dx * dx + dy * dy <= radius * radius) set_pixel(image, cx + dx, cy + dy, color);
    }
  }
}

void draw_text(Image& image, double left_x, double top_y, const std::string& text, Color color,
               int size) {
  const int x = pixel(left_x), y = pixel(top_y);
  const int advance = (glyph_width + 1) * size;
  const auto length = static_cast<int>(text.size());
  fill(image, x, y, x + length * advance + size, y + (glyph_height + 2) * size, {24, 24, 24});
  for (int i = 0; i < length; ++i) {
    const Glyph& glyph = glyph_of(text[static_cast<std::size_t>(i)]);
    for (int row = 0; row < glyph_height; ++row) {
      for (int column = 0; column < glyph_width; ++column) {
        if ((glyph.rows[static_cast<std::size_t>(row)] >> (glyph_width - 1 - column) & 1) == 0)
          continue;
        const int left = x + size + i * advance + column * size;
        const int top = y + size + row * size;
        fill(image, left, top, left + size, top + size, color);
      }
    }
  }
}

}  // namespace octet::image
