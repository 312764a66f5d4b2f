// The interface of the kernels: what each computes, and one table of function pointers for each
// instruction set.
//
// Every kernel computes exactly what docs/quantization.md says, so that two tables given the same
// parameters write the same bytes. Activations are u8 [N, H, W, C]; weights are s8 [O, kernel_h,
// kernel_w, I / groups]. A kernel allocates nothing and keeps no state: packed weights and scratch
// memory are the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace octet::kernels {

/// Kernels may read this many bytes beyond the end of the activations that they are given. They
/// never use those bytes.
constexpr std::size_t overread = 64;

enum class Isa : uint8_t {
  reference,
#define OCTET_ISA(name, processor, folder) name,
#include "kernels/isas.def"
#undef OCTET_ISA
};

constexpr const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::reference:
      return "reference";
#define OCTET_ISA(name, processor, folder) \
  case Isa::name:                          \
    return #name;
#include "kernels/isas.def"
#undef OCTET_ISA
  }
  return "unknown";
}

/// Half-open range of work items; threads share a kernel's items out between them.
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// How a window moves over an image. Extents and strides are in pixels and at least 1; padding is
/// at least 0.
struct Window {
  int32_t kernel_h = 1;
  int32_t kernel_w = 1;
  int32_t stride_h = 1;
  int32_t stride_w = 1;
  int32_t dilation_h = 1;
  int32_t dilation_w = 1;
  int32_t pad_top = 0;
  int32_t pad_left = 0;
  int32_t pad_bottom = 0;
  int32_t pad_right = 0;
  bool operator==(const Window&) const = default;
};

// ---- convolution, depthwise convolution, linear

/// A linear layer is a 1x1 convolution whose rows are pixels: input [1, rows, 1, I].
struct ConvGeometry {
  int32_t batch = 1;
  int32_t input_h = 0;
  int32_t input_w = 0;
  int32_t input_channels = 0;
  int32_t output_h = 0;
  int32_t output_w = 0;
  int32_t output_channels = 0;
  int32_t groups = 1;  ///< Divides both channel counts; equal to input_channels when depthwise.
  Window window;
};

struct ConvWeights {
  const int8_t* values = nullptr;        ///< [O, kernel_h, kernel_w, I / groups]
  const int32_t* bias = nullptr;         ///< [O], in units of s_x * s_w[o]
  const int32_t* zero_points = nullptr;  ///< [O] in [-128, 127], or null when all are 0
};

enum class ConvOutput : uint8_t {
  u8,       ///< clamp(rne(float(acc) * m[o] (+ residual)) + z_y)
  float32,  ///< clamp(float(acc) * m[o]) with m[o] = s_x * s_w[o]: the high-precision output
};

/// How a layer computes the function of one value that it has: docs/quantization.md, 'A function
/// inside a layer'. v is the function's result in steps of the output's scale, before a residual is
/// added and before rounding.
enum class FunctionForm : uint8_t {
  none,        ///< v = float(acc) * m[o]
  pieces,      ///< v by one of eight polynomials of t = fma(float(acc), m[o], offset)
  hard_swish,  ///< v = (r * clamp(r + 3, 0, 6)) * factor, of r = float(acc) * m[o]
  slopes,      ///< v = max(r, 0) + min(r, 0) * slopes[o], of r = float(acc) * m[o]
};

/// Piece i of a function is for all t that are nearest to i, the first and the last piece also for
/// all t before and behind them: P(t) = fma(fma(fma(fma(a4, t, a3), t, a2), t, a1), t, a0). The
/// last piece is a straight line, and so is the first without a symmetry.
constexpr int function_pieces = 8;
constexpr int piece_coefficients = 5;

/// How v follows from the pieces, where half of the function follows from the other half.
enum class Symmetry : uint8_t {
  none,  ///< v = P(t)
  even,  ///< v = fma(max(t, 0), term, P(|t|))
  odd,   ///< v = P(|t|) with t's sign bit, + term
};

struct LayerFunction {
  FunctionForm form = FunctionForm::none;
  Symmetry symmetry = Symmetry::none;  ///< For pieces.
  /// Whether a residual is part of the function's operand, instead of being added to its result.
  bool takes_residual = false;
  float offset = 0;                     ///< For pieces.
  float term = 0;                       ///< For pieces: see Symmetry.
  float factor = 0;                     ///< For hard_swish: 1 / 6 in steps of the output's scale.
  const float* coefficients = nullptr;  ///< For pieces: [piece_coefficients][function_pieces], a0
                                        ///< first.
  const float* slopes = nullptr;        ///< For slopes: [O]
};

/// An output with a scale and a zero point for each channel: clamp(rne(fma(v, factor[o],
/// zero_point[o]) (+ residual))). A residual that is no part of the function's operand is in steps
/// of the output here: its scales are those of the output, all times the same number.
struct ChannelOutput {
  const float* factor = nullptr;      ///< [O], or null: one scale for all channels
  const float* zero_point = nullptr;  ///< [O], whole numbers in [0, 255]
};

/// Everything about a layer that is known when its plan is made.
struct ConvParams {
  ConvGeometry geometry;
  ConvWeights weights;
  int32_t input_zero_point = 0;
  /// m [O]: (s_x * s_w[o]) / s_y, or s_x * s_w[o] for float32 output.
  const float* multiplier = nullptr;
  ConvOutput output = ConvOutput::u8;
  int32_t output_zero_point = 0;
  uint8_t output_min = 0;
  uint8_t output_max = 255;
  float float_min = 0;  ///< Bounds of a float32 output; -inf and +inf where there is no activation.
  float float_max = 0;
  bool has_residual = false;  ///< Allowed only with u8 output.
  int32_t residual_zero_point = 0;
  float residual_multiplier = 0;  ///< s_r / s_y
  /// Bounds of float(acc) * m[o] before the residual is added, times 1 / s_y.
  float inner_min = -std::numeric_limits<float>::infinity();
  float inner_max = std::numeric_limits<float>::infinity();
  /// Only with u8 output and without inner bounds. What is said above of m, of the residual's
  /// multiplier and of the rounding is then as FunctionForm says.
  LayerFunction function;
  /// Only with output_zero_point 0, and without inner bounds.
  ChannelOutput channel_output;
  /// z_x of each channel [I], instead of input_zero_point; or null.
  const uint8_t* input_zero_points = nullptr;

  /// z_x of an input channel.
  int32_t zero_point_of_input(std::size_t channel) const {
    return input_zero_points != nullptr ? input_zero_points[channel] : input_zero_point;
  }
};

struct ConvBuffers {
  const uint8_t* input = nullptr;
  const uint8_t* residual = nullptr;  ///< Has the output's shape; or null.
  void* output = nullptr;             ///< u8 or float, [N, output_h, output_w, O]
  /// The packed weights of the layer that runs next, to be fetched towards the caches; or null.
  const std::byte* next_weights = nullptr;
};

/// One way to run a convolution. `packed` is what `pack` wrote once for the layer; `scratch` is a
/// thread's own and may hold anything. Both are aligned to 64 bytes.
struct ConvKernel {
  const char* name;
  bool (*supports)(const ConvParams& params);
  std::size_t (*packed_size)(const ConvParams& params);
  void (*pack)(const ConvParams& params, std::byte* packed);
  std::size_t (*scratch_size)(const ConvParams& params);
  std::size_t (*items)(const ConvParams& params);
  void (*run)(const ConvParams& params, const std::byte* packed, const ConvBuffers& buffers,
              Range items, std::byte* scratch);
};

// ---- pooling

/// Work items of both pools are output rows: batch * output_h.
struct PoolParams {
  int32_t batch = 1;
  int32_t input_h = 0;
  int32_t input_w = 0;
  int32_t channels = 0;
  int32_t output_h = 0;
  int32_t output_w = 0;
  Window window;
  uint8_t output_min = 0;
  uint8_t output_max = 255;
  // The rest is read by the average pool only.
  bool count_include_pad = false;  ///< Padding counts as real 0, out to the padded image's edge.
  float input_scale = 1;
  float output_scale = 1;
  int32_t input_zero_point = 0;
  int32_t output_zero_point = 0;
};

// ---- elementwise: contiguous rows

/// y = clamp(rne(float(a - z_a) * m_a + float(b - z_b) * m_b) + z_y); a subtraction has a negative
/// m_b.
struct AddParams {
  int32_t a_zero_point = 0;
  int32_t b_zero_point = 0;
  int32_t output_zero_point = 0;
  float a_multiplier = 1;  ///< s_a / s_y
  float b_multiplier = 1;  ///< s_b / s_y
  uint8_t output_min = 0;
  uint8_t output_max = 255;
};

/// y = clamp(rne(float((a - z_a) * (b - z_b)) * m) + z_y)
struct MulParams {
  int32_t a_zero_point = 0;
  int32_t b_zero_point = 0;
  int32_t output_zero_point = 0;
  float multiplier = 1;  ///< (s_a * s_b) / s_y
  uint8_t output_min = 0;
  uint8_t output_max = 255;
};

/// One row of a binary operator. A stride of 0 repeats the operand's first value for the whole row
/// (broadcasting).
struct BinaryRow {
  const uint8_t* a = nullptr;
  const uint8_t* b = nullptr;
  uint8_t* output = nullptr;
  std::size_t count = 0;
  std::size_t a_stride = 1;  ///< 0 or 1
  std::size_t b_stride = 1;  ///< 0 or 1
};

/// y = clamp(rne(x * (1 / s)) + z) to [0, 255]; NaN becomes z.
struct QuantizeParams {
  float inverse_scale = 1;  ///< 1 / s, rounded to float32 once
  int32_t zero_point = 0;
};

/// y = s * float(q - z)
struct DequantizeParams {
  float scale = 1;
  int32_t zero_point = 0;
};

/// y = clamp(rne(float(x - z_x) * m) + z_y)
struct RequantizeParams {
  int32_t input_zero_point = 0;
  int32_t output_zero_point = 0;
  float multiplier = 1;  ///< s_x / s_y
  uint8_t output_min = 0;
  uint8_t output_max = 255;
};

/// y = clamp(rne(float(x) * scale[c] + offset[c]) + z) to [0, 255], for byte x of channel c.
struct AffineChannelsParams {
  static constexpr std::size_t max_channels = 4;
  std::size_t channels = 1;  ///< 1 to max_channels
  float scale[max_channels] = {};
  float offset[max_channels] = {};  ///< |255 * scale| + |offset| < 2^30
  int32_t zero_point = 0;
};

// ---- softmax and argmax: one row at a time

/// e[d] = table[d] for d = max(q) - q; they are summed in double, in index order; y = float(e[d] /
/// sum). With `quantized` set, y is quantized to u8 by `output`, otherwise stored as float32.
struct SoftmaxParams {
  const float* table = nullptr;  ///< [256]: exp(-s_x * d)
  bool quantized = false;
  QuantizeParams output;
};

// ---- bytes that only move

constexpr int32_t max_rank = 6;

/// Copies a box of elements between two strided arrays. Strides are in elements, may be negative (a
/// reversed slice) or 0 (a repeat), and apply to the given base pointers. Work items are positions
/// of axis 0.
struct CopyParams {
  int32_t rank = 1;
  std::size_t element_size = 1;  ///< 1 or 4 bytes
  int64_t extent[max_rank] = {1, 1, 1, 1, 1, 1};
  int64_t source_stride[max_rank] = {};
  int64_t target_stride[max_rank] = {};
};

// ---- functions of float32

/// elu: x where x >= 0, else alpha (e^x - 1). gelu: x times the probability that a standard normal
/// value is below x; gelu_tanh: x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)), which is near it.
/// softplus: log(1 + e^x). mish: x tanh(softplus(x)).
enum class FloatFunction : uint8_t {
  exp,
  log,
  sigmoid,
  tanh,
  silu,
  elu,
  gelu,
  gelu_tanh,
  erf,
  softplus,
  mish,
};

struct FloatFunctionParams {
  FloatFunction function = FloatFunction::exp;
  float alpha = 1;  ///< Used by elu only.
};

// ---- the table

struct KernelTable {
  Isa isa;
  const char* name;
  /// The kernels in order of preference: the first whose `supports` is true runs the layer. The
  /// last supports everything.
  std::span<const ConvKernel* const> convolutions;

  /// Runs nothing but the table's widest multiply-accumulate instructions, on registers, and
  /// returns how many multiply-accumulates it ran. Its speed is the roof: no kernel is faster.
  std::size_t (*peak)(std::size_t rounds);

  void (*max_pool)(const PoolParams& params, const uint8_t* input, uint8_t* output, Range rows);
  void (*average_pool)(const PoolParams& params, const uint8_t* input, uint8_t* output, Range rows);

  void (*add)(const AddParams& params, const BinaryRow& row);
  void (*mul)(const MulParams& params, const BinaryRow& row);
  void (*quantize)(const QuantizeParams& params, const float* input, uint8_t* output,
                   std::size_t count);
  void (*dequantize)(const DequantizeParams& params, const uint8_t* input, float* output,
                     std::size_t count);
  void (*requantize)(const RequantizeParams& params, const uint8_t* input, uint8_t* output,
                     std::size_t count);
  /// output[i] = table[input[i]]; table has 256 entries.
  void (*lookup)(const uint8_t* table, const uint8_t* input, uint8_t* output, std::size_t count);
  /// output[p * channels + c] = tables[c * 256 + input[p * channels + c]]: pixels to activations.
  void (*lookup_channels)(const uint8_t* tables, std::size_t channels, const uint8_t* input,
                          uint8_t* output, std::size_t pixels);

  /// The same as lookup_channels, computed instead of looked up: for layers where each channel's
  /// table holds exactly these values.
  void (*affine_channels)(const AffineChannelsParams& params, const uint8_t* input, uint8_t* output,
                          std::size_t pixels);

  /// One row of `count` values; output is float or u8 as the parameters say.
  void (*softmax)(const SoftmaxParams& params, const uint8_t* input, void* output,
                  std::size_t count);
  /// Rows of `count` float32 values, one after the other; exp by exp_float64 (exact_math.h): the
  /// same bytes on every CPU. In place is allowed.
  void (*softmax_float)(const float* input, float* output, std::size_t rows, std::size_t count);
  /// A function of each value, which is computed in double (exact_math.h) and rounded once: the
  /// same bytes on every CPU. In place is allowed.
  void (*function_float)(const FloatFunctionParams& params, const float* input, float* output,
                         std::size_t count);
  /// Index of the first largest value among `count` values that are `stride` elements apart.
  int32_t (*argmax_u8)(const uint8_t* input, std::size_t count, std::size_t stride);
  int32_t (*argmax_float)(const float* input, std::size_t count, std::size_t stride);

  void (*copy)(const CopyParams& params, const void* source, void* target, Range items);
};

/// The table of an instruction set, or null where it is not built in or the CPU lacks it.
const KernelTable* find_table(Isa isa);

/// The best table for this CPU; never null.
const KernelTable& best_table();

/// All tables that this CPU can run, the reference first.
std::span<const KernelTable* const> available_tables();

/// Every instruction set that has a name, built in or not.
std::span<const Isa> all_isas();

/// Returns true and sets `isa` when `name` is the name of an instruction set.
bool parse_isa(const char* name, Isa& isa);

}  // namespace octet::kernels
