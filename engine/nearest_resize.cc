#include "engine/nearest_resize.h"

#include <cstring>

namespace octet {
namespace {

/// Resizes one row. `fixed_bytes` is the size of a pixel if it is small, so that the compiler knows
/// it, and otherwise 0.
template <std::size_t fixed_bytes>
void resize_row(const NearestResize& r, const std::byte* from, std::byte* to) {
  const std::size_t bytes = fixed_bytes != 0 ? fixed_bytes : r.pixel_bytes;
  const auto stride = static_cast<std::size_t>(r.input_w / r.output_w) * bytes;
  const int64_t stride_rest = r.input_w % r.output_w;
  int64_t rest = 0;  // i * in mod out, while `from` is at floor(i * in / out)
  for (int64_t i = 0; i < r.output_w; ++i, to += bytes) {
    std::memcpy(to, from, bytes);
    from += stride;
    rest += stride_rest;
    if (rest >= r.output_w) {
      rest -= r.output_w;
      from += bytes;
    }
  }
}

}  // namespace

void resize_nearest(const NearestResize& resize, const std::byte* input, std::byte* output,
                    kernels::Range rows) {
  const std::size_t input_row = static_cast<std::size_t>(resize.input_w) * resize.pixel_bytes;
  const std::size_t output_row = static_cast<std::size_t>(resize.output_w) * resize.pixel_bytes;
  const std::byte* last_read = nullptr;
  for (std::size_t row = rows.begin; row < rows.end; ++row) {
    const auto image = static_cast<int64_t>(row) / resize.output_h;
    const auto h = static_cast<int64_t>(row) % resize.output_h;
    const int64_t source_row = image * resize.input_h + h * resize.input_h / resize.output_h;
    const std::byte* from = input + static_cast<std::size_t>(source_row) * input_row;
    std::byte* to = output + row * output_row;
    if (from == last_read) {
      std::memcpy(to, to - output_row, output_row);
      continue;
    }
    last_read = from;
    if (input_row == output_row) {
      std::memcpy(to, from, output_row);
      continue;
    }
    switch (resize.pixel_bytes) {
      case 1:
        resize_row<1>(resize, from, to);
        break;
      case 3:
        resize_row<3>(resize, from, to);
        break;
      case 4:
        resize_row<4>(resize, from, to);
        break;
      default:
        resize_row<0>(resize, from, to);
        break;
    }
  }
}

}  // namespace octet
