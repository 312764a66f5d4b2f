#include <algorithm>
#include <cmath>

#include "tools/image/image.h"

namespace octet::image {
namespace {

// The input pixels that one output pixel averages, and their weights.
struct Taps {
  int first = 0;
  std::vector<float> weights;
};

std::vector<Taps> triangle_taps(int input, int output) {
  const double scale = static_cast<double>(input) / output;
  const double support = std::max(scale, 1.0);
  std::vector<Taps> all;
  for (int i = 0; i < output; ++i) {
    const double centre = (i + 0.5) * scale;
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

Image resize_width(const Image& image, int width) {
  if (width == image.width) return image;
  Image out{.height = image.height, .width = width, .channels = image.channels};
  out.pixels.resize(static_cast<std::size_t>(out.height) * static_cast<std::size_t>(width) *
                    static_cast<std::size_t>(out.channels));
  const std::vector<Taps> taps = triangle_taps(image.width, width);
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

Image resize_height(const Image& image, int height) {
  if (height == image.height) return image;
  Image out{.height = height, .width = image.width, .channels = image.channels};
  const auto row = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.channels);
  out.pixels.resize(static_cast<std::size_t>(height) * row);
  const std::vector<Taps> taps = triangle_taps(image.height, height);
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

int scaled_size(int size, double ratio) {
  return std::max(1, static_cast<int>(std::floor(size * ratio + 0.5)));
}

}  // namespace

Image resize_bilinear(const Image& image, int height, int width) {
  return resize_height(resize_width(image, width), height);
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
  const Image source = gray && image.channels == 3 ? to_gray(image) : image;
  const double ratio_w = static_cast<double>(p.width) / source.width;
  const double ratio_h = static_cast<double>(p.height) / source.height;
  int width = p.width;
  int height = p.height;
  if (p.resize != ResizeRule::stretch) {
    const double ratio =
        p.resize == ResizeRule::crop ? std::max(ratio_w, ratio_h) : std::min(ratio_w, ratio_h);
    width = scaled_size(source.width, ratio);
    height = scaled_size(source.height, ratio);
    // Rounding must leave nothing uncovered, and nothing sticking out.
    if (p.resize == ResizeRule::crop)
      width = std::max(width, p.width), height = std::max(height, p.height);
    if (p.resize == ResizeRule::letterbox)
      width = std::min(width, p.width), height = std::min(height, p.height);
  }
  const Image scaled = resize_bilinear(source, height, width);
  const int left = p.resize == ResizeRule::crop ? (width - p.width) / 2 : 0;
  const int top = p.resize == ResizeRule::crop ? (height - p.height) / 2 : 0;

  Prepared out{.scale_x = static_cast<double>(source.width) / width,
               .scale_y = static_cast<double>(source.height) / height,
               .offset_x = static_cast<double>(left),
               .offset_y = static_cast<double>(top)};
  const int channels = gray ? 1 : 3;
  const auto source_channel = [&](int c) { return p.channels == Channels::bgr ? 2 - c : c; };
  for (int y = 0; y < p.height; ++y) {
    for (int x = 0; x < p.width; ++x) {
      const bool inside = y + top < height && x + left < width;
      for (int c = 0; c < channels; ++c) {
        out.pixels.push_back(inside ? scaled.at(y + top, x + left)[source_channel(c)]
                                    : rounded(p.mean[static_cast<std::size_t>(c)]));
      }
    }
  }
  return out;
}

}  // namespace octet::image
