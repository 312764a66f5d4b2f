// Compares the convolutions of every table with a plain evaluation.
#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/kernels.h"
#include "tests/kernels/conv_layer.h"
#include "tests/kernels/oracle.h"
#include "tests/kernels/random.h"

namespace octet::kernels {
namespace {

using test::ConvLayer;
using test::Cut;
using test::draw_channels;
using test::draw_conv_geometry;
using test::draw_conv_layer;
using test::draw_ending;
using test::Random;
using test::set_output_size;

/// Every third layer has a function or scales of channels.
ConvLayer draw_any_layer(Random& random, const ConvGeometry& geometry) {
  ConvLayer layer = draw_conv_layer(random, geometry);
  if (random.chance(0.35)) draw_ending(random, layer);
  if (random.chance(0.25)) draw_channels(random, layer);
  return layer;
}

/// Returns the exact sums. Each input value is added to every output that it reaches.
std::vector<int64_t> expected_sums(const ConvLayer& layer) {
  const ConvGeometry& g = layer.params.geometry;
  const Window& w = g.window;
  const int32_t inputs_per_group = g.input_channels / g.groups;
  const int32_t outputs_per_group = g.output_channels / g.groups;
  std::vector<int64_t> sums(layer.output_count());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    sums[i] = layer.bias[i % static_cast<std::size_t>(g.output_channels)];
  }
  for (int32_t n = 0; n < g.batch; ++n) {
    for (int32_t y = 0; y < g.input_h * w.kernel_h; ++y) {
      const int32_t kh = y % w.kernel_h;
      const int32_t from_h = y / w.kernel_h + w.pad_top - kh * w.dilation_h;
      if (from_h < 0 || from_h % w.stride_h || from_h / w.stride_h >= g.output_h) continue;
      for (int32_t x = 0; x < g.input_w * w.kernel_w; ++x) {
        const int32_t kw = x % w.kernel_w;
        const int32_t from_w = x / w.kernel_w + w.pad_left - kw * w.dilation_w;
        if (from_w < 0 || from_w % w.stride_w || from_w / w.stride_w >= g.output_w) continue;
        const int32_t pixel = (n * g.input_h + y / w.kernel_h) * g.input_w + x / w.kernel_w;
        const int32_t target =
            (n * g.output_h + from_h / w.stride_h) * g.output_w + from_w / w.stride_w;
        for (int32_t i = 0; i < g.input_channels; ++i) {
          const int32_t zero_point = layer.input_zero_points.empty()
                                         ? layer.params.input_zero_point
                                         : layer.input_zero_points[static_cast<std::size_t>(i)];
          const int64_t value =
              int64_t{layer.input[static_cast<std::size_t>(pixel * g.input_channels + i)]} -
              zero_point;
          for (int32_t j = 0; j < outputs_per_group; ++j) {
            const int32_t o = i / inputs_per_group * outputs_per_group + j;
            const int32_t index =
                ((o * w.kernel_h + kh) * w.kernel_w + kw) * inputs_per_group + i % inputs_per_group;
            const int64_t zero =
                layer.zero_points.empty() ? 0 : layer.zero_points[static_cast<std::size_t>(o)];
            sums[static_cast<std::size_t>(target * g.output_channels + o)] +=
                value * (layer.weights[static_cast<std::size_t>(index)] - zero);
          }
        }
      }
    }
  }
  return sums;
}

std::vector<std::byte> bytes_of(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  return {bytes, bytes + size};
}

/// A piece's polynomial, or hard_swish, or slopes, of the sum of channel `o`.
float expected_function(const ConvParams& p, std::size_t o, int64_t sum, float residual) {
  const LayerFunction& f = p.function;
  const float acc = static_cast<float>(sum);
  const bool in_pieces = f.form == FunctionForm::pieces;
  float x = in_pieces ? test::fused32(acc, p.multiplier[o], f.offset)
                      : test::multiply32(acc, p.multiplier[o]);
  if (f.takes_residual) x = test::add32(x, residual);
  if (in_pieces) {
    const float t = x;
    if (f.symmetry != Symmetry::none) x = std::abs(x);
    const double nearest =
        test::nearest_even(std::clamp(static_cast<double>(x), 0.0, function_pieces - 1.0));
    const float* a = f.coefficients + static_cast<int>(nearest);
    float v = a[4 * function_pieces];
    for (int k = 3; k >= 0; --k) v = test::fused32(v, x, a[k * function_pieces]);
    if (f.symmetry == Symmetry::even) return test::fused32(std::max(t, 0.0F), f.term, v);
    if (f.symmetry == Symmetry::odd) return test::add32(std::copysign(1.0F, t) * v, f.term);
    return v;
  }
  if (f.form == FunctionForm::hard_swish) {
    const float gate = std::clamp(test::add32(x, 3), 0.0F, 6.0F);
    return test::multiply32(test::multiply32(x, gate), f.factor);
  }
  return f.form == FunctionForm::slopes && x < 0 ? test::multiply32(x, f.slopes[o]) : x;
}

std::vector<std::byte> expected_output(const ConvLayer& layer) {
  const ConvParams& p = layer.params;
  const std::vector<int64_t> sums = expected_sums(layer);
  std::vector<uint8_t> quantized;
  std::vector<float> real;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const std::size_t o = i % static_cast<std::size_t>(p.geometry.output_channels);
    float value = test::multiply32(static_cast<float>(sums[i]), layer.multiplier[o]);
    if (p.output == ConvOutput::float32) {
      real.push_back(std::min(std::max(value, p.float_min), p.float_max));
      continue;
    }
    float residual = 0;
    if (p.has_residual) {
      residual = test::multiply32(static_cast<float>(layer.residual[i] - p.residual_zero_point),
                                  p.residual_multiplier);
    }
    value = expected_function(p, o, sums[i], residual);
    if (p.channel_output.factor != nullptr) {
      value = test::fused32(value, p.channel_output.factor[o], p.channel_output.zero_point[o]);
    }
    if (p.has_residual && !p.function.takes_residual) {
      value = test::add32(std::min(std::max(value, p.inner_min), p.inner_max), residual);
    }
    quantized.push_back(test::to_u8(value, p.output_zero_point, p.output_min, p.output_max));
  }
  return p.output == ConvOutput::float32 ? bytes_of(real.data(), real.size() * sizeof(float))
                                         : bytes_of(quantized.data(), quantized.size());
}

/// Runs the layer on every kernel of every table that takes it.
void check_all_kernels(const ConvLayer& layer, Random& random,
                       const std::vector<std::byte>& expected) {
  const std::array<Cut, 2> cuts = {test::in_one, test::in_some(random)};
  for (const KernelTable* table : available_tables()) {
    for (const test::Output& output : layer.run(*table, cuts)) {
      INFO("table " << table->name << ", kernel " << output.kernel
                    << (output.cut == 0 ? ", in one range" : ", in ranges"));
      CHECK(output.bytes == expected);
    }
  }
}

void check_all_kernels(const ConvLayer& layer, Random& random) {
  check_all_kernels(layer, random, expected_output(layer));
}

/// The plain evaluation is slow.
constexpr int64_t most_products = 3000000;

TEST_CASE("convolutions of random shapes give the contract's bytes, in one range or in many") {
  Random random(1);
  for (int round = 0; round < 400; ++round) {
    const ConvLayer layer = draw_any_layer(random, draw_conv_geometry(random, most_products));
    INFO("seed " << random.seed << ", round " << round << ": " << layer.describe());
    check_all_kernels(layer, random);
  }
}

// A kernel may run neighbouring output rows together, with the gap between them.
TEST_CASE("dense layers of small images give the contract's bytes, whatever lies between rows") {
  Random random(9);
  for (int round = 0; round < 150; ++round) {
    ConvGeometry g;
    g.batch = random.integer(1, 2);
    g.input_h = random.integer(1, 15);
    g.input_w = random.integer(1, 15);
    g.input_channels = random.integer(8, 140);
    g.output_channels = random.integer(1, 140);
    const int32_t kernel = random.pick({1, 3, 3, 5});
    const int32_t stride = random.integer(1, 3);
    const int32_t dilation = random.pick({1, 1, 1, 2});
    const int32_t padding = random.integer(0, 4);
    g.window = {.kernel_h = kernel,
                .kernel_w = kernel,
                .stride_h = stride,
                .stride_w = stride,
                .dilation_h = dilation,
                .dilation_w = dilation,
                .pad_top = padding,
                .pad_left = random.integer(0, 4),
                .pad_bottom = padding,
                .pad_right = random.integer(0, 4)};
    const int32_t reach = (kernel - 1) * dilation + 1;
    if (g.input_h + 2 * padding < reach ||
        g.input_w + g.window.pad_left + g.window.pad_right < reach) {
      continue;
    }
    set_output_size(g);
    const ConvLayer layer = draw_any_layer(random, g);
    INFO("seed " << random.seed << ", round " << round << ": " << layer.describe());
    check_all_kernels(layer, random);
  }
}

// Kernels cut layers of many channels into pieces of some channels.
TEST_CASE("zero points of channels are those of the padding, however channels are cut") {
  Random random(12);
  for (const int32_t channels : {96, 192, 384, 576, 960}) {
    for (const int32_t kernel : {3, 5, 7}) {
      ConvGeometry g;
      g.input_h = random.integer(3, 9);
      g.input_w = random.integer(9, 40);
      g.groups = g.input_channels = g.output_channels = channels;
      const int32_t stride = random.integer(1, 2);
      g.window = {.kernel_h = kernel, .kernel_w = kernel, .stride_h = stride, .stride_w = stride};
      g.window.pad_top = g.window.pad_bottom = kernel / 2;
      g.window.pad_left = g.window.pad_right = kernel / 2;
      set_output_size(g);
      ConvLayer layer = draw_conv_layer(random, g);
      draw_ending(random, layer);
      layer.input_zero_points = random.bytes(static_cast<std::size_t>(channels));
      layer.params.input_zero_points = layer.input_zero_points.data();
      INFO("seed " << random.seed << ": " << layer.describe());
      check_all_kernels(layer, random, reference_output(layer));
    }
  }
}

TEST_CASE("wide depthwise layers give the reference's bytes and stay within their memory") {
  Random random(6);
  for (int round = 0; round < 150; ++round) {
    ConvGeometry g;
    g.input_h = random.integer(1, 12);
    g.input_w = random.integer(20, 130);
    g.groups = g.input_channels = g.output_channels = random.integer(1, 80);
    const int32_t kernel = random.pick({3, 3, 5, 5, 2, 7});
    const int32_t stride = random.integer(1, 4);
    g.window = {.kernel_h = kernel, .kernel_w = kernel, .stride_h = stride, .stride_w = stride};
    g.window.pad_top = g.window.pad_bottom = random.integer(0, kernel - 1);
    g.window.pad_left = g.window.pad_right = random.integer(0, kernel - 1);
    set_output_size(g);
    const ConvLayer layer = draw_any_layer(random, g);
    INFO("seed " << random.seed << ", round " << round << ": " << layer.describe());
    check_all_kernels(layer, random, reference_output(layer));
  }
}

// Windows, and whole pieces that a kernel cuts an image into, may lie before or behind the image.
TEST_CASE("padding of any width gives the reference's bytes") {
  Random random(10);
  for (int round = 0; round < 150; ++round) {
    ConvGeometry g;
    g.input_h = random.integer(1, 10);
    g.input_w = random.chance() ? random.integer(1, 20) : random.integer(60, 200);
    const bool depthwise = random.chance(0.7);
    g.input_channels = random.integer(1, depthwise ? 120 : 20);
    g.output_channels = depthwise ? g.input_channels : random.integer(1, 20);
    g.groups = depthwise ? g.input_channels : 1;
    const int32_t kernel = random.pick({3, 3, 5, 5, 2});
    const int32_t stride = random.integer(1, 3);
    g.window = {.kernel_h = kernel, .kernel_w = kernel, .stride_h = stride, .stride_w = stride};
    g.window.pad_top = random.integer(0, 12);
    g.window.pad_bottom = random.integer(0, 12);
    g.window.pad_left = random.integer(0, 50);
    g.window.pad_right = random.integer(0, 50);
    set_output_size(g);
    const ConvLayer layer = draw_any_layer(random, g);
    INFO("seed " << random.seed << ", round " << round << ": " << layer.describe());
    check_all_kernels(layer, random, reference_output(layer));
  }
}

TEST_CASE("common layers give the contract's bytes") {
  Random random(2);
  for (const int32_t channels : {16, 24, 32, 48, 64, 96}) {
    for (const int32_t kernel : {1, 3, 5}) {
      for (const int32_t stride : {1, 2}) {
        for (const bool depthwise : {false, true}) {
          ConvGeometry g;
          g.input_h = random.integer(5, 9);
          g.input_w = random.integer(5, 19);
          g.input_channels = channels;
          g.output_channels = depthwise ? channels : random.pick({16, 24, 32, 64});
          g.groups = depthwise ? channels : 1;
          g.window = {
              .kernel_h = kernel, .kernel_w = kernel, .stride_h = stride, .stride_w = stride};
          const int32_t padding = random.chance(0.7) ? kernel / 2 : 0;
          g.window.pad_top = g.window.pad_left = padding;
          g.window.pad_bottom = g.window.pad_right = padding;
          set_output_size(g);
          const ConvLayer layer = draw_any_layer(random, g);
          INFO("seed " << random.seed << ": " << layer.describe());
          check_all_kernels(layer, random);
        }
      }
    }
  }
}

/// Layers that kernels cut into blocks, bands and pieces: too large for the plain evaluation, so
/// the reference kernel, which passed it, stands in.
TEST_CASE("large layers give the reference's bytes, however they are cut") {
  struct Large {
    int32_t size;
    int32_t inputs;
    int32_t outputs;
    int32_t kernel;
    int32_t stride;
    int32_t dilation = 1;
    bool depthwise = false;
  };
  constexpr Large larges[] = {
      {73, 24, 24, 5, 1, 1, true},
      {90, 24, 24, 5, 2, 1, true},
      {51, 96, 96, 3, 2, 1, true},
      {37, 144, 144, 3, 1, 1, true},
      {14, 576, 576, 3, 1, 1, true},
      {9, 960, 960, 3, 2, 1, true},
      {33, 192, 192, 5, 1, 1, true},
      {31, 70, 70, 7, 3, 1, true},
      {29, 64, 64, 3, 1, 3, true},
      {45, 33, 33, 4, 1, 1, true},
      {64, 3, 24, 3, 2},
      {61, 3, 40, 7, 2},
      {57, 64, 72, 3, 1},
      {30, 128, 130, 3, 2},
      {7, 512, 200, 3, 1},
      {40, 24, 24, 5, 1},
      {56, 24, 144, 1, 1},
      {56, 144, 24, 1, 1},
      {28, 260, 60, 1, 2},
      {1, 1280, 1000, 1, 1},
      {19, 48, 500, 2, 1, 2},
  };
  Random random(4);
  for (const Large& large : larges) {
    ConvGeometry g;
    g.input_h = large.size;
    g.input_w = large.size + random.integer(0, 3);
    g.input_channels = large.inputs;
    g.output_channels = large.outputs;
    g.groups = large.depthwise ? large.inputs : 1;
    g.window = {.kernel_h = large.kernel,
                .kernel_w = large.kernel,
                .stride_h = large.stride,
                .stride_w = large.stride,
                .dilation_h = large.dilation,
                .dilation_w = large.dilation};
    const int32_t padding = random.chance(0.8) ? large.kernel / 2 * large.dilation : 0;
    g.window.pad_top = g.window.pad_left = padding;
    g.window.pad_bottom = g.window.pad_right = padding;
    set_output_size(g);
    for (int round = 0; round < 3; ++round) {
      const ConvLayer layer = draw_any_layer(random, g);
      INFO("seed " << random.seed << ": " << layer.describe());
      check_all_kernels(layer, random, reference_output(layer));
    }
  }
}

TEST_CASE("common layers run on the kernels that are made for them") {
  for (const KernelTable* table : available_tables()) {
    if (table->isa == Isa::reference) continue;
    Random random(5);
    for (const bool depthwise : {false, true}) {
      ConvGeometry g = {.input_h = 9,
                        .input_w = 9,
                        .input_channels = 32,
                        .output_channels = 32,
                        .groups = depthwise ? 32 : 1,
                        .window = {.kernel_h = 3, .kernel_w = 3}};
      set_output_size(g);
      ConvLayer layer = draw_conv_layer(random, g);
      layer.params.weights.zero_points = nullptr;
      layer.params.output = ConvOutput::u8;
      const auto chosen = std::ranges::find_if(
          table->convolutions, [&](const ConvKernel* k) { return k->supports(layer.params); });
      INFO("table " << table->name);
      // AVX2 does not multiply bytes, so it transforms 3x3 filters.
      const char* dense = table->isa == Isa::avx2  ? "winograd"
                          : table->isa == Isa::amx ? "tile gemm"
                                                   : "gemm";
      CHECK(std::string((*chosen)->name) == (depthwise ? "depthwise" : dense));
    }
  }
}

TEST_CASE("a sum of the most extreme products is exact") {
  Random random(3);
  ConvGeometry g = {
      .input_h = 3, .input_w = 3, .input_channels = 70, .output_channels = 33, .window = {}};
  g.window = {.kernel_h = 3, .kernel_w = 3};
  set_output_size(g);
  for (const int32_t weight : {-128, 127}) {
    for (const int32_t x_zero : {0, 255}) {
      ConvLayer layer = draw_conv_layer(random, g);
      std::fill(layer.weights.begin(), layer.weights.end(), static_cast<int8_t>(weight));
      std::fill(layer.input.begin(), layer.input.end(), static_cast<uint8_t>(255 - x_zero));
      layer.params.input_zero_point = x_zero;
      layer.zero_points.assign(33, weight < 0 ? 127 : -128);
      layer.params.weights.zero_points = layer.zero_points.data();
      layer.params.output = ConvOutput::float32;
      layer.params.has_residual = false;
      layer.multiplier.assign(33, 1.0F);
      INFO("weight " << weight << ", z_x " << x_zero);
      check_all_kernels(layer, random);
    }
  }
}

}  // namespace
}  // namespace octet::kernels
