#include "tests/kernels/pool_layer.h"

#include <algorithm>
#include <sstream>

#include "tests/kernels/guarded_buffer.h"

namespace octet::test {

using kernels::KernelTable;
using kernels::PoolParams;
using kernels::Range;
using kernels::Window;

namespace {

/// The output size of one axis. With `ceil` it is rounded up, unless the last window would start in
/// the padding.
int32_t fit(int32_t& size, int32_t extent, int32_t stride, int32_t before, int32_t after,
            bool ceil) {
  size = std::max(size, extent - before - after);
  const int32_t room = size + before + after - extent;
  int32_t positions = (room + (ceil ? stride - 1 : 0)) / stride + 1;
  if ((positions - 1) * stride >= size + before) --positions;
  return positions;
}

}  // namespace

std::string describe(const PoolParams& p) {
  const Window& w = p.window;
  std::ostringstream text;
  text << p.batch << "x" << p.input_h << "x" << p.input_w << "x" << p.channels << " -> "
       << p.output_h << "x" << p.output_w << ", kernel " << w.kernel_h << "x" << w.kernel_w
       << ", stride " << w.stride_h << "x" << w.stride_w << ", dilation " << w.dilation_h << "x"
       << w.dilation_w << ", padding " << w.pad_top << " " << w.pad_left << " " << w.pad_bottom
       << " " << w.pad_right << (p.count_include_pad ? ", padding counts" : "") << ", s_x "
       << p.input_scale << ", s_y " << p.output_scale << ", z_x " << p.input_zero_point << ", z_y "
       << p.output_zero_point << ", clamp " << int{p.output_min} << " to " << int{p.output_max};
  return text.str();
}

PoolParams draw_pool(Draw& draw, bool may_dilate, int64_t most_products) {
  PoolParams p;
  p.batch = draw.chance(0.1) ? 2 : 1;
  p.input_h = draw.integer(1, 15);
  p.input_w = draw.integer(1, 15);
  p.channels = draw.chance(0.1) ? draw.integer(71, 300) : draw.integer(1, 70);
  Window& w = p.window;
  w.kernel_h = draw.integer(1, 7);
  w.kernel_w = draw.chance(0.7) ? w.kernel_h : draw.integer(1, 7);
  w.stride_h = draw.integer(1, 3);
  w.stride_w = draw.integer(1, 3);
  if (may_dilate && draw.chance(0.3)) {
    w.dilation_h = draw.integer(1, 3);
    w.dilation_w = draw.integer(1, 3);
  }
  w.pad_top = draw.integer(0, w.kernel_h - 1);
  w.pad_left = draw.integer(0, w.kernel_w - 1);
  w.pad_bottom = draw.integer(0, w.kernel_h - 1);
  w.pad_right = draw.integer(0, w.kernel_w - 1);
  const bool ceil = draw.chance(0.3);
  p.output_h = fit(p.input_h, (w.kernel_h - 1) * w.dilation_h + 1, w.stride_h, w.pad_top,
                   w.pad_bottom, ceil);
  p.output_w = fit(p.input_w, (w.kernel_w - 1) * w.dilation_w + 1, w.stride_w, w.pad_left,
                   w.pad_right, ceil);
  if (draw.chance(0.15)) {  // global, with sums that sometimes do not fit u16
    p.input_h += draw.integer(0, 10);
    w = {.kernel_h = p.input_h, .kernel_w = p.input_w};
    p.output_h = p.output_w = 1;
  }
  const int64_t places = int64_t{p.batch} * p.output_h * p.output_w * w.kernel_h * w.kernel_w;
  while (places * p.channels > most_products && p.channels > 1) p.channels /= 2;
  if (draw.chance(0.3)) {
    p.output_min = static_cast<uint8_t>(draw.integer(0, 255));
    p.output_max = static_cast<uint8_t>(draw.integer(p.output_min, 255));
  }
  p.count_include_pad = draw.chance();
  p.input_scale = draw.real(0.01F, 0.1F);
  p.output_scale = draw.pick({p.input_scale, p.input_scale, draw.real(0.01F, 0.1F), 1e-30F, 1e30F});
  p.input_zero_point = draw.pick({0, 255, draw.integer(0, 255)});
  p.output_zero_point = draw.chance() ? p.input_zero_point : draw.integer(0, 255);
  return p;
}

std::size_t pool_input_count(const PoolParams& p) {
  return static_cast<std::size_t>(p.batch * p.input_h * p.input_w * p.channels);
}
std::size_t pool_output_count(const PoolParams& p) {
  return static_cast<std::size_t>(p.batch * p.output_h * p.output_w * p.channels);
}

std::unique_ptr<Layer> pool_layer(const PoolParams& params, std::vector<uint8_t> input,
                                  Pool KernelTable::* pool) {
  const auto from =
      std::make_shared<GuardedBuffer>(std::span<const uint8_t>(input), kernels::overread);
  const char* kind = pool == &KernelTable::max_pool ? "max pool " : "average pool ";
  return std::make_unique<CallLayer>(CallLayer::Parts{
      .description = kind + describe(params),
      .items = static_cast<std::size_t>(params.batch * params.output_h),
      .output_bytes = pool_output_count(params),
      .call = [=](const KernelTable& table, Range rows, std::byte* output) {
        (table.*pool)(params, from->as<uint8_t>(), reinterpret_cast<uint8_t*>(output), rows);
      }});
}

std::unique_ptr<Layer> draw_max_pool_layer(Draw& draw, int64_t most_products) {
  const PoolParams params = draw_pool(draw, true, most_products);
  return pool_layer(params, draw.bytes(pool_input_count(params)), &KernelTable::max_pool);
}

std::unique_ptr<Layer> draw_average_pool_layer(Draw& draw, int64_t most_products) {
  const PoolParams params = draw_pool(draw, true, most_products);
  return pool_layer(params, draw.bytes(pool_input_count(params)), &KernelTable::average_pool);
}

}  // namespace octet::test
