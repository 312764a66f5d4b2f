#include "tests/kernels/conv_layer.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "tests/kernels/guarded_buffer.h"

namespace octet::test {

using kernels::ConvGeometry;
using kernels::ConvKernel;
using kernels::ConvOutput;
using kernels::ConvParams;
using kernels::FunctionForm;
using kernels::Symmetry;
using kernels::Window;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

const char* name_of(const kernels::LayerFunction& function) {
  switch (function.form) {
    case FunctionForm::none:
      break;
    case FunctionForm::pieces:
      return function.takes_residual ? ", pieces of a sum" : ", pieces";
    case FunctionForm::hard_swish:
      return function.takes_residual ? ", hard_swish of a sum" : ", hard_swish";
    case FunctionForm::slopes:
      return function.takes_residual ? ", slopes of a sum" : ", slopes";
  }
  return "";
}

const char* kind_of(const ConvGeometry& g) {
  if (g.groups > 1) return g.groups == g.input_channels ? "depthwise" : "grouped conv";
  const Window& w = g.window;
  return g.input_h == 1 && w.kernel_h * w.kernel_w == 1 ? "linear" : "conv";
}

/// The least size of an axis into which the window fits.
int32_t least_size(int32_t kernel, int32_t dilation, int32_t padding) {
  return std::max((kernel - 1) * dilation + 1 - padding, 1);
}

/// Output size of one axis; the input grows until the window fits.
int32_t fit(int32_t& size, int32_t kernel, int32_t stride, int32_t dilation, int32_t padding) {
  size = std::max(size, least_size(kernel, dilation, padding));
  return (size + padding - ((kernel - 1) * dilation + 1)) / stride + 1;
}

int64_t depth_of(const ConvGeometry& g) {
  return int64_t{g.input_channels / g.groups} * g.window.kernel_h * g.window.kernel_w;
}

/// Channel counts, as numbers that do not depend on each other.
struct Channels {
  int32_t groups = 1;
  int32_t inputs = 1;   ///< In a group.
  int32_t outputs = 1;  ///< In a group.
};

void set_channels(ConvGeometry& g, const Channels& channels) {
  g.groups = channels.groups;
  g.input_channels = channels.groups * channels.inputs;
  g.output_channels = channels.groups * channels.outputs;
}

/// Halves the largest extent, again and again, until there are at most `most_products` products.
void shrink(ConvGeometry& g, Channels channels, int64_t most_products) {
  const Window& w = g.window;
  const int32_t least_h = least_size(w.kernel_h, w.dilation_h, w.pad_top + w.pad_bottom);
  const int32_t least_w = least_size(w.kernel_w, w.dilation_w, w.pad_left + w.pad_right);
  for (;;) {
    set_channels(g, channels);
    set_output_size(g);
    const int64_t pixels = int64_t{g.batch} * g.output_h * g.output_w;
    if (pixels * g.output_channels * depth_of(g) <= most_products) return;
    int32_t* largest = nullptr;
    for (int32_t* size :
         {&g.input_h, &g.input_w, &channels.groups, &channels.inputs, &channels.outputs}) {
      const int32_t least = size == &g.input_h ? least_h : size == &g.input_w ? least_w : 1;
      if (*size > least && (largest == nullptr || *size > *largest)) largest = size;
    }
    if (largest == nullptr) return;
    *largest /= 2;
  }
}

void draw_window(Draw& draw, Window& w, int32_t kernel) {
  w.kernel_h = kernel;
  w.kernel_w = draw.chance(0.7) ? w.kernel_h : draw.integer(1, 5);
  w.stride_h = draw.pick({1, 1, 2, 3});
  w.stride_w = draw.chance(0.8) ? w.stride_h : draw.integer(1, 4);
  w.dilation_h = draw.pick({1, 1, 1, 2, 3});
  w.dilation_w = draw.chance(0.8) ? w.dilation_h : draw.integer(1, 3);
  const bool same = draw.chance();  // otherwise any padding, even larger than the kernel
  w.pad_top = same ? (w.kernel_h - 1) / 2 : draw.integer(0, 5);
  w.pad_left = same ? (w.kernel_w - 1) / 2 : draw.integer(0, 5);
  w.pad_bottom = same ? w.kernel_h / 2 : draw.integer(0, 5);
  w.pad_right = same ? w.kernel_w / 2 : draw.integer(0, 5);
}

/// A square filter, for which kernels have loops of their own.
void draw_common_window(Draw& draw, Window& w) {
  w.kernel_h = w.kernel_w = draw.pick({3, 3, 5, 2, 7});
  w.stride_h = w.stride_w = draw.pick({1, 1, 2});
  w.pad_top = w.pad_bottom = draw.integer(0, w.kernel_h - 1);
  w.pad_left = w.pad_right = draw.chance(0.8) ? w.pad_top : draw.integer(0, w.kernel_w - 1);
}

/// The largest |bias| with which no sum can leave s32, by the engine's own check.
int32_t bias_room(const ConvLayer& layer) {
  const bool has_lowest = std::ranges::find(layer.weights, -128) != layer.weights.end();
  const int64_t largest_weight = !layer.zero_points.empty() ? 255 : has_lowest ? 128 : 127;
  const int64_t sum = depth_of(layer.params.geometry) * 255 * largest_weight;
  return static_cast<int32_t>(std::max<int64_t>(std::numeric_limits<int32_t>::max() - sum, 0));
}

void draw_multiplier(Draw& draw, ConvLayer& layer) {
  const ConvGeometry& g = layer.params.geometry;
  const auto outputs = static_cast<std::size_t>(g.output_channels);
  const float usual = 100.0F / (9000.0F * std::sqrt(static_cast<float>(depth_of(g))));
  // With a power of two, many results lie halfway between two integers.
  const float tie = std::ldexp(1.0F, std::ilogb(usual));
  const float extreme = draw.pick({1e-40F, 1e-30F, 1.0F, 3e4F, 1e30F});
  const float spread = draw.pick({usual, usual, usual, usual, usual, tie, tie, extreme});
  layer.multiplier = draw.reals(outputs, 0.2F, 2.0F);
  for (float& m : layer.multiplier) m = spread == tie || spread == 1 ? spread : spread * m;
  layer.params.residual_multiplier = spread == tie ? 0.5F : draw.real(0.1F, 2.0F);
}

}  // namespace

std::string ConvLayer::describe() const {
  const ConvParams& p = params;
  const ConvGeometry& g = p.geometry;
  const Window& w = g.window;
  std::ostringstream text;
  text << kind_of(g) << " " << g.batch << "x" << g.input_h << "x" << g.input_w << "x"
       << g.input_channels << " -> " << g.output_h << "x" << g.output_w << "x" << g.output_channels
       << ", groups " << g.groups << ", kernel " << w.kernel_h << "x" << w.kernel_w << ", stride "
       << w.stride_h << "x" << w.stride_w << ", dilation " << w.dilation_h << "x" << w.dilation_w
       << ", padding " << w.pad_top << " " << w.pad_left << " " << w.pad_bottom << " "
       << w.pad_right << ", z_x " << p.input_zero_point << ", z_y " << p.output_zero_point
       << ", clamp " << int{p.output_min} << " to " << int{p.output_max} << ", multiplier "
       << multiplier.at(0) << (p.weights.zero_points ? ", weight zero points" : "")
       << (p.has_residual ? ", residual" : "")
       << (std::isfinite(p.inner_min) || std::isfinite(p.inner_max) ? ", inner bounds" : "")
       << (p.output == ConvOutput::float32 ? ", float32 output" : "") << name_of(p.function)
       << (p.channel_output.factor != nullptr ? ", scales of output channels" : "")
       << (p.input_zero_points != nullptr ? ", zero points of input channels" : "");
  return text.str();
}

std::vector<Output> ConvLayer::run(const kernels::KernelTable& table,
                                   std::span<const Cut> cuts) const {
  std::vector<Output> outputs;
  const GuardedBuffer own_input(std::span<const uint8_t>(input), kernels::overread);
  const GuardedBuffer own_residual(std::span<const uint8_t>(residual), kernels::overread);
  const std::size_t value_bytes = params.output == ConvOutput::float32 ? sizeof(float) : 1;
  for (const ConvKernel* kernel : table.convolutions) {
    if (!kernel->supports(params)) continue;
    const GuardedBuffer packed(kernel->packed_size(params));
    kernel->pack(params, packed.data());
    const std::size_t items = kernel->items(params);
    for (std::size_t cut = 0; cut < cuts.size(); ++cut) {
      const GuardedBuffer scratch(kernel->scratch_size(params));
      const GuardedBuffer output(output_count() * value_bytes, value_bytes);
      const kernels::ConvBuffers buffers = {
          .input = own_input.as<uint8_t>(),
          .residual = params.has_residual ? own_residual.as<uint8_t>() : nullptr,
          .output = output.data()};
      for (const kernels::Range& range : cuts[cut](items)) {
        kernel->run(params, packed.data(), buffers, range, scratch.data());
      }
      const auto bytes = output.bytes();
      outputs.push_back(
          {.kernel = kernel->name, .cut = cut, .bytes = {bytes.begin(), bytes.end()}});
    }
  }
  return outputs;
}

std::size_t ConvLayer::output_count() const {
  const ConvGeometry& g = params.geometry;
  return static_cast<std::size_t>(g.batch * g.output_h * g.output_w * g.output_channels);
}

void set_output_size(ConvGeometry& g) {
  const Window& w = g.window;
  g.output_h = fit(g.input_h, w.kernel_h, w.stride_h, w.dilation_h, w.pad_top + w.pad_bottom);
  g.output_w = fit(g.input_w, w.kernel_w, w.stride_w, w.dilation_w, w.pad_left + w.pad_right);
}

ConvGeometry draw_conv_geometry(Draw& draw, int64_t most_products) {
  ConvGeometry g;
  Channels channels;
  g.batch = draw.chance(0.1) ? 2 : 1;
  g.input_h = draw.integer(1, 13);
  g.input_w = draw.integer(1, 13);
  const auto any_channels = [&] {
    return draw.chance(0.1) ? draw.integer(71, 300) : draw.integer(1, 70);
  };
  switch (draw.below(10)) {
    case 0:  // 1x1
    case 1:
      channels.inputs = any_channels();
      channels.outputs = any_channels();
      g.window.stride_h = g.window.stride_w = draw.pick({1, 1, 1, 2});
      break;
    case 2:  // linear
      g.input_h = 1;
      channels.inputs = any_channels();
      channels.outputs = any_channels();
      break;
    case 3:
    case 4:
      channels.inputs = draw.chance(0.2) ? 3 : any_channels();
      channels.outputs = any_channels();
      draw_common_window(draw, g.window);
      break;
    case 5:
      channels.inputs = draw.chance(0.2) ? 3 : draw.integer(1, 70);
      channels.outputs = draw.integer(1, 70);
      draw_window(draw, g.window, draw.integer(1, 5));
      break;
    case 6:
      channels.groups = draw.integer(2, 5);
      channels.inputs = draw.integer(1, 14);
      channels.outputs = draw.integer(1, 14);
      draw_window(draw, g.window, draw.integer(1, 5));
      break;
    case 7:  // depthwise, sometimes with a multiplier
      channels.groups = draw.integer(1, 70);
      channels.outputs = draw.pick({1, 1, 1, 2});
      draw_window(draw, g.window, draw.integer(1, 5));
      break;
    default:
      channels.groups = any_channels();
      g.input_w = draw.chance(0.4) ? draw.integer(20, 130) : g.input_w;
      draw_common_window(draw, g.window);
      break;
  }
  shrink(g, channels, most_products);
  return g;
}

ConvLayer draw_conv_layer(Draw& draw, const ConvGeometry& g) {
  ConvLayer layer;
  ConvParams& p = layer.params;
  p.geometry = g;
  const auto outputs = static_cast<std::size_t>(g.output_channels);
  const int32_t lowest = draw.pick({-127, -128});
  layer.weights =
      draw.integers<int8_t>(outputs * static_cast<std::size_t>(depth_of(g)), lowest, 127);
  layer.input =
      draw.bytes(static_cast<std::size_t>(g.batch * g.input_h * g.input_w * g.input_channels));
  if (draw.chance(0.2)) layer.zero_points = draw.integers<int32_t>(outputs, -128, 127);
  const int32_t room = bias_room(layer);
  const int32_t largest_bias = std::min(draw.chance(0.1) ? room : 20000, room);
  layer.bias = draw.integers<int32_t>(outputs, -largest_bias, largest_bias);
  p.input_zero_point = draw.pick({0, 255, 128, draw.integer(0, 255)});

  p.output = draw.chance(0.2) ? ConvOutput::float32 : ConvOutput::u8;
  draw_multiplier(draw, layer);
  p.output_zero_point = draw.pick({0, 255, draw.integer(0, 255)});
  if (draw.chance(0.3)) {
    p.output_min = static_cast<uint8_t>(draw.integer(0, 255));
    p.output_max = static_cast<uint8_t>(draw.integer(p.output_min, 255));
  }
  p.float_min = draw.pick({0.0F, -infinity, -infinity, -1.5F});
  p.float_max = draw.pick({6.0F, infinity, infinity});
  if (p.output == ConvOutput::u8 && draw.chance(0.4)) {
    p.has_residual = true;
    p.residual_zero_point = draw.integer(0, 255);
    if (draw.chance()) {
      p.inner_min = draw.pick({0.0F, -infinity, draw.real(-50, 10)});
      p.inner_max = draw.pick({infinity, draw.real(10, 90)});
    }
    layer.residual = draw.bytes(layer.output_count());
  }
  p.weights = {.values = layer.weights.data(),
               .bias = layer.bias.data(),
               .zero_points = layer.zero_points.empty() ? nullptr : layer.zero_points.data()};
  p.multiplier = layer.multiplier.data();
  return layer;
}

namespace {

void draw_channel_output(Draw& draw, ConvLayer& layer) {
  const auto outputs = static_cast<std::size_t>(layer.params.geometry.output_channels);
  layer.output_factors = draw.reals(outputs, 0.3F, 3.0F);
  layer.output_zero_points.assign(outputs, 0.0F);
  for (float& z : layer.output_zero_points) z = static_cast<float>(draw.integer(0, 255));
  layer.params.channel_output = {.factor = layer.output_factors.data(),
                                 .zero_point = layer.output_zero_points.data()};
  layer.params.output_zero_point = 0;
}

}  // namespace

void draw_ending(Draw& draw, ConvLayer& layer) {
  ConvParams& p = layer.params;
  const auto outputs = static_cast<std::size_t>(p.geometry.output_channels);
  p.output = ConvOutput::u8;
  p.inner_min = -infinity;
  p.inner_max = infinity;
  const bool depthwise = p.geometry.groups == p.geometry.input_channels &&
                         p.geometry.groups == p.geometry.output_channels;
  const bool of_inputs = depthwise && draw.chance(0.4);
  if (of_inputs) {
    layer.input_zero_points = draw.bytes(static_cast<std::size_t>(p.geometry.input_channels));
    p.input_zero_points = layer.input_zero_points.data();
  }
  const bool of_outputs = !p.has_residual && draw.chance(0.4);
  kernels::LayerFunction& f = p.function;
  f.form = draw.pick({FunctionForm::pieces, FunctionForm::hard_swish, FunctionForm::slopes,
                      of_inputs || of_outputs ? FunctionForm::none : FunctionForm::pieces});
  f.takes_residual = f.form != FunctionForm::none && p.has_residual && draw.chance();
  // Results of the other layers are about 100. The functions bend near 0, pieces from 0 to 7.
  const float smaller = f.form == FunctionForm::pieces       ? 0.05F
                        : f.form == FunctionForm::hard_swish ? 0.04F
                                                             : 1.0F;
  for (float& m : layer.multiplier) m *= smaller;
  if (f.takes_residual) p.residual_multiplier *= smaller;
  f.symmetry = draw.pick({Symmetry::none, Symmetry::even, Symmetry::odd});
  f.offset = f.symmetry == Symmetry::none ? draw.real(0, 7) : 0.0F;
  f.term = draw.pick({30.0F, draw.real(-60, 60)});
  f.factor = draw.pick({0.5F, 5.0F, draw.real(0, 10)});
  const float lowest_slope = draw.pick({-1.0F, 0.0F});
  const float highest_slope = draw.pick({0.5F, 1.5F});
  layer.slopes = draw.reals(outputs, lowest_slope, highest_slope);
  f.slopes = layer.slopes.data();
  // From one end to the other: a line, polynomials, a line.
  constexpr auto pieces = static_cast<std::size_t>(kernels::function_pieces);
  constexpr auto coefficients = static_cast<std::size_t>(kernels::piece_coefficients);
  layer.coefficients = draw.reals(coefficients * pieces, -60, 60);
  for (std::size_t k = 0; k < coefficients; ++k) {
    float* row = layer.coefficients.data() + k * pieces;
    // Powers of t are up to 7^k, and all terms shall count.
    for (std::size_t i = 0; i < pieces; ++i) row[i] *= std::ldexp(1.0F, -2 * static_cast<int>(k));
    if (k > 1) row[pieces - 1] = 0;
    if (k > 1 && f.symmetry == Symmetry::none) row[0] = 0;
  }
  f.coefficients = layer.coefficients.data();
  if (of_outputs) draw_channel_output(draw, layer);
}

void draw_channels(Draw& draw, ConvLayer& layer) {
  ConvParams& p = layer.params;
  if (draw.chance(0.7)) {
    layer.input_zero_points = draw.bytes(static_cast<std::size_t>(p.geometry.input_channels));
    p.input_zero_points = layer.input_zero_points.data();
  }
  if (p.output == ConvOutput::u8 && draw.chance(0.7)) {
    p.inner_min = -infinity;
    p.inner_max = infinity;
    draw_channel_output(draw, layer);
  }
}

}  // namespace octet::test
