#include <algorithm>
#include <cmath>

#include "tools/image/image.h"
#include "tools/image/scaled_extent.h"

namespace octet::image {
namespace {

// The wanted part of an axis that is scaled to `output` pixels: `count` pixels from `first` on.
// Only these are computed, since a long, thin image that is scaled until it covers a square may be
// larger than memory.
struct Part {
  int64_t output = 0;
  int64_t first = 0;
  int count = 0;
};

Part all_of(int output) { return {.output = output, .first = 0, .count = output}; }

bool changes_nothing(const Part& part, int input) {
  return part.output == input && part.count == input;
}

// The input pixels that one output pixel averages, and their weights.
struct Taps {
  int first = 0;
  std::vector<float> weights;
};

std::vector<Taps> triangle_taps(int input, const Part& part) {
  const double scale = static_cast<double>(input) / static_cast<double>(part.output);
  const double support = std::max(scale, 1.0);
  std::vector<Taps> all;
  for (int i = 0; i < part.count; ++i) {
    const double centre = (static_cast<double>(part.first + i) + 0.5) * scale;
    const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
    const int end = std::min(static_cast<int>(centre + support + 0.5), input);
    Taps taps{.first = first};
    double sum = 0;
    std::vector<double> weights;
    for (int k = first; k < end; ++k) {
      weights.push_back(std::max(0.0, 1.0 - std::abs((k + 0.5 - centre) / support)));
      sum += weights.back();
    }
    for (const double w : weights) taps.weights.push_back(static_cast<float>(w / sum));
    all.push_back(std::move(taps));
  }
  return all;
}

uint8_t rounded(float value) {
  return static_cast<uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f));
}

Image resize_width(const Image& image, const Part& part) {
  if (changes_nothing(part, image.width)) return image;
  const int width = part.count;
  Image out{.height = image.height, .width = width, .channels = image.channels};
  out.pixels.resize(static_cast<std::size_t>(out.height) * static_cast<std::size_t>(width) *
                    static_cast<std::size_t>(out.channels));
  const std::vector<Taps> taps = triangle_taps(image.width, part);
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < width; ++x) {
      const Taps& t = taps[static_cast<std::size_t>(x)];
      for (int c = 0; c < out.channels; ++c) {
        float sum = 0;
        for (std::size_t k = 0; k < t.weights.size(); ++k) {
          sum += t.weights[k] * static_cast<float>(image.at(y, t.first + static_cast<int>(k))[c]);
        }
        out.at(y, x)[c] = rounded(sum);
      }
    }
  }
  return out;
}

Image resize_height(const Image& image, const Part& part) {
  if (changes_nothing(part, image.height)) return image;
  const int height = part.count;
  Image out{.height = height, .width = image.width, .channels = image.channels};
  const auto row = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.channels);
  out.pixels.resize(static_cast<std::size_t>(height) * row);
  const std::vector<Taps> taps = triangle_taps(image.height, part);
  std::vector<float> sums(row);
  for (int y = 0; y < height; ++y) {
    const Taps& t = taps[static_cast<std::size_t>(y)];
    std::ranges::fill(sums, 0.0f);
    for (std::size_t k = 0; k < t.weights.size(); ++k) {
      const uint8_t* from = image.at(t.first + static_cast<int>(k), 0);
      for (std::size_t i = 0; i < row; ++i) sums[i] += t.weights[k] * static_cast<float>(from[i]);
    }
    std::ranges::transform(sums, out.at(y, 0), rounded);
  }
  return out;
}

int64_t scaled_size(int64_t size, double ratio) {
  return std::max(int64_t{1},
                  static_cast<int64_t>(std::floor(static_cast<double>(size) * ratio + 0.5)));
}

/// The part that the model's input shows, of an axis that is scaled to `output` pixels.
Part shown(int64_t output, int target) {
  const auto count = static_cast<int>(std::min(output, int64_t{target}));
  return {.output = output, .first = (output - count) / 2, .count = count};
}

}  // namespace

Extent scaled_extent(Extent picture, const Preprocess& p) {
  if (p.resize == ResizeRule::stretch) return {.height = p.height, .width = p.width};
  const double ratio_w = static_cast<double>(p.width) / static_cast<double>(picture.width);
  const double ratio_h = static_cast<double>(p.height) / static_cast<double>(picture.height);
  const bool crops = p.resize == ResizeRule::crop;
  const double ratio = crops ? std::max(ratio_w, ratio_h) : std::min(ratio_w, ratio_h);
  // After rounding, a crop must still cover the input, and other rules must not exceed it.
  const auto scaled = [&](int64_t size, int64_t target) {
    const int64_t output = scaled_size(size, ratio);
    return crops ? std::max(output, target) : std::min(output, target);
  };
  return {.height = scaled(picture.height, p.height), .width = scaled(picture.width, p.width)};
}

Image resize_bilinear(const Image& image, int height, int width) {
  return resize_height(resize_width(image, all_of(width)), all_of(height));
}

Image to_gray(const Image& rgb) {
  Image out{.height = rgb.height, .width = rgb.width, .channels = 1};
  for (std::size_t i = 0; i + 2 < rgb.pixels.size(); i += 3) {
    // Weights in 16-bit fixed point: .299, .587, .114.
    const uint32_t luma =
        rgb.pixels[i] * 19595U + rgb.pixels[i + 1] * 38470U + rgb.pixels[i + 2] * 7471U + 0x8000U;
    out.pixels.push_back(static_cast<uint8_t>(luma >> 16));
  }
  return out;
}

Prepared prepare(const Image& image, const Preprocess& p) {
  const bool gray = p.channels == Channels::gray;
  Image as_gray;
  if (gray && image.channels == 3) as_gray = to_gray(image);
  const Image& source = as_gray.pixels.empty() ? image : as_gray;
  const Extent picture = {.height = image.picture_height > 0 ? image.picture_height : image.height,
                          .width = image.picture_width > 0 ? image.picture_width : image.width};
  const Extent extent = scaled_extent(picture, p);
  const Part columns = shown(extent.width, p.width);
  const Part rows = shown(extent.height, p.height);
  const Image scaled = resize_height(resize_width(source, columns), rows);

  Prepared out{.scale_x = static_cast<double>(picture.width) / static_cast<double>(columns.output),
               .scale_y = static_cast<double>(picture.height) / static_cast<double>(rows.output),
               .offset_x = static_cast<double>(columns.first),
               .offset_y = static_cast<double>(rows.first)};
  const int channels = gray ? 1 : 3;
  const auto source_channel = [&](int c) { return p.channels == Channels::bgr ? 2 - c : c; };
  for (int y = 0; y < p.height; ++y) {
    for (int x = 0; x < p.width; ++x) {
      const bool inside = y < rows.count && x < columns.count;
      for (int c = 0; c < channels; ++c) {
        out.pixels.push_back(inside ? scaled.at(y, x)[source_channel(c)]
                                    : rounded(p.mean[static_cast<std::size_t>(c)]));
      }
    }
  }
  return out;
}

}  // namespace octet::image
