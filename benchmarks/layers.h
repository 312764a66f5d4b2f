// Layers of the networks that benchmarks/networks.py measures as a whole.
#pragma once

#include "kernels/kernels.h"

namespace octet::benchmarks {

struct Layer {
  const char* name;
  int32_t input_size;  ///< height and width
  int32_t input_channels;
  int32_t output_channels;
  int32_t kernel = 1;
  int32_t stride = 1;
  bool depthwise = false;
  bool has_residual = false;
};

constexpr Layer layers[] = {
    {"stem 3x3 s2 3->32, 224", 224, 3, 32, 3, 2},
    {"stem 3x3 s2 3->24, 320", 320, 3, 24, 3, 2},
    {"stem 7x7 s2 3->64, 224", 224, 3, 64, 7, 2},
    {"dw 5x5 s1, 160x24", 160, 24, 24, 5, 1, true},
    {"dw 5x5 s1, 80x48", 80, 48, 48, 5, 1, true},
    {"dw 5x5 s1, 40x96", 40, 96, 96, 5, 1, true},
    {"dw 5x5 s2, 160x24", 160, 24, 24, 5, 2, true},
    {"dw 3x3 s1, 112x32", 112, 32, 32, 3, 1, true},
    {"dw 3x3 s1, 56x144", 56, 144, 144, 3, 1, true},
    {"dw 3x3 s1, 14x576", 14, 576, 576, 3, 1, true},
    {"dw 3x3 s2, 112x96", 112, 96, 96, 3, 2, true},
    {"1x1 32->16, 112", 112, 32, 16},
    {"1x1 16->96, 112", 112, 16, 96},
    {"1x1 24->144, 56", 56, 24, 144},
    {"1x1 144->24 + residual, 56", 56, 144, 24, 1, 1, false, true},
    {"1x1 24->24 + residual, 160", 160, 24, 24, 1, 1, false, true},
    {"1x1 192->32 + residual, 28", 28, 192, 32, 1, 1, false, true},
    {"1x1 96->576, 14", 14, 96, 576},
    {"1x1 576->96 + residual, 14", 14, 576, 96, 1, 1, false, true},
    {"1x1 320->1280, 7", 7, 320, 1280},
    {"1x1 960->320, 7", 7, 960, 320},
    {"linear 1280->1000", 1, 1280, 1000},
    {"dense 5x5, 24->24, 40", 40, 24, 24, 5},
    {"dense 3x3, 64->64, 56", 56, 64, 64, 3},
    {"dense 3x3 s2, 128->128, 56", 56, 128, 128, 3, 2},
    {"dense 3x3, 128->128, 28", 28, 128, 128, 3},
    {"dense 3x3 + residual, 256->256, 14", 14, 256, 256, 3, 1, false, true},
    {"dense 3x3, 512->512, 7", 7, 512, 512, 3},
    {"1x1 64->256 + residual, 56", 56, 64, 256, 1, 1, false, true},
    {"1x1 256->64, 56", 56, 256, 64},
    {"1x1 512->2048, 7", 7, 512, 2048},
};

inline kernels::ConvGeometry geometry_of(const Layer& layer) {
  const int32_t padding = layer.kernel / 2;
  const int32_t output_size = (layer.input_size + 2 * padding - layer.kernel) / layer.stride + 1;
  return {.input_h = layer.input_size,
          .input_w = layer.input_size,
          .input_channels = layer.input_channels,
          .output_h = output_size,
          .output_w = output_size,
          .output_channels = layer.output_channels,
          .groups = layer.depthwise ? layer.input_channels : 1,
          .window = {.kernel_h = layer.kernel,
                     .kernel_w = layer.kernel,
                     .stride_h = layer.stride,
                     .stride_w = layer.stride,
                     .pad_top = padding,
                     .pad_left = padding,
                     .pad_bottom = padding,
                     .pad_right = padding}};
}

inline double multiply_accumulates(const kernels::ConvGeometry& g) {
  return static_cast<double>(g.output_h) * g.output_w * g.output_channels * g.window.kernel_h *
         g.window.kernel_w * (g.input_channels / g.groups);
}

}  // namespace octet::benchmarks
