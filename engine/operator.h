// The operators, their attributes, and the shapes of their results. The graph, the model file and
// the engine share them.
//
// Images are [N, H, W, C]. Axes in attributes count from 0: loaders have converted negative axes.
#pragma once

#include <cassert>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernels/kernels.h"
#include "octet/octet.hpp"

namespace octet {

using kernels::Window;
using Shape = std::vector<int32_t>;

enum class Op : uint8_t {
  // These run in int8 and in float.
  conv2d,  // x [N,H,W,I], weight [O,kh,kw,I/groups], bias [O]?, residual [N,h,w,O]?
  linear,  // x [..., I], weight [O,I], bias [O]?, residual [..., O]?
  add,     // a, b: broadcast by NumPy's rules
  sub,
  mul,
  max_pool,      // x [N,H,W,C]
  average_pool,  // x [N,H,W,C]
  softmax,       // x; int8: also a table of 256 float32
  argmax,        // x; gives s32
  concat,        // x0, x1, ...
  slice,
  pad,
  reshape,
  transpose,
  resize,  // x [N,H,W,C]
  clip,    // x; relu and relu6 are clips
  // These run in int8 only.
  lookup,      // x, table of 256 u8
  quantize,    // f32 to u8
  dequantize,  // u8 to f32
  requantize,  // u8 to u8 with another scale and zero point, within bounds
  // These run in float only. Where a function of one value runs in int8, the graph makes it a part
  // of the layer before it, or a `lookup`.
  div,
  mean,
  batch_norm,  // x, gamma, beta, mean, variance, each [C]; over the last axis
  leaky_relu,
  elu,
  prelu,  // x, slope [1] or [C]
  sigmoid,
  tanh,
  hard_sigmoid,
  hard_swish,
  silu,
  gelu,
  exp,
  log,
  sqrt,
  abs,
  neg,
  // Whole numbers (s32), which add, sub, mul and div take as well. They are exact, and each node is
  // a step of its own.
  floor_div,  // a, b: s32, broadcast; rounds towards minus infinity, while div rounds towards 0
  cast,       // s32 to f32, or f32 to s32
  // data, indices s32 [..., depth]: each index names a place along the first `depth` axes of data
  gather_nd,
  log_softmax,  // of floats: x - max - log(sum(exp(x - max))) along the axis; float only
  softsign,     // x / (1 + |x|)
  top_k,        // of floats and bytes: the k largest or smallest along an axis, and their indices
  // Functions of one value: in int8 a part of the layer before them, or a `lookup`.
  gelu_tanh,  // GELU in the form with tanh
  erf,
  softplus,  // log(1 + exp(x))
  mish,      // x * tanh(softplus(x))
  // These are in graphs only: no model file has them.
  identity,
};

/// Functions of one value.
enum class Function : uint8_t {
  leaky_relu,
  elu,
  sigmoid,
  tanh,
  hard_sigmoid,
  hard_swish,
  silu,
  gelu,
  exp,
  log,
  sqrt,
  abs,
  neg,
  softsign,
  gelu_tanh,
  erf,
  softplus,
  mish,
};

constexpr int op_count = static_cast<int>(Op::identity) + 1;

/// The name of the operator, such as 'conv2d'; the same as in docs/float_export.md if the format
/// has it.
const char* op_name(Op op);

/// Returns the operator with that name, or nothing.
std::optional<Op> find_op(std::string_view name);

/// Whether the operator is a function of one value, without other operands. In int8 each of them is
/// a part of the layer before it, or a table of 256 entries.
bool is_function_of_one_value(Op op);

/// Whether the operator can run in a float island, with float32 operands and results.
bool has_float_form(Op op);

/// Whether the results of a float node are the same bytes on every CPU, if all nodes of its island
/// are exact. Only sums of products (conv2d, linear) are not: their order of addition is up to a
/// library.
bool is_exact_in_float(Op op);

/// Real bounds of the activation that was fused into an operator (for relu: 0 and infinity).
struct Bounds {
  float min = -std::numeric_limits<float>::infinity();
  float max = std::numeric_limits<float>::infinity();
  bool operator==(const Bounds&) const = default;
  bool bounded() const {
    return min != -std::numeric_limits<float>::infinity() ||
           max != std::numeric_limits<float>::infinity();
  }
};

struct NoAttributes {
  bool operator==(const NoAttributes&) const = default;
};
/// The function of one value that an int8 layer computes before it rounds: docs/quantization.md, 'A
/// function inside a layer'.
struct InnerFunction {
  kernels::FunctionForm form = kernels::FunctionForm::none;
  Op function = Op::identity;  ///< Its name, for users: nothing depends on it.
  float value = 0;             ///< Its parameter, if it has one: for users as well.
  /// Whether the layer's residual is part of its operand, instead of being added to its result.
  bool takes_residual = false;
  kernels::Symmetry symmetry = kernels::Symmetry::none;  ///< For pieces.
  /// For pieces: pieces for each unit of the operand, the offset, the term, then the coefficients
  /// [kernels::piece_coefficients][kernels::function_pieces]; term and coefficients give results in
  /// real units. For slopes: one for each output channel.
  std::vector<float> numbers;
  bool operator==(const InnerFunction&) const = default;
};

/// How many numbers stand in front of the coefficients of pieces.
constexpr std::size_t numbers_before_coefficients = 3;

struct ConvAttributes {  // conv2d, linear
  Window window;
  int32_t groups = 1;
  Bounds bounds;
  bool has_bias = false;
  bool has_residual = false;  ///< The last input is added before the bounds apply.
  Bounds inner_bounds;        ///< Bounds of the layer's own result, before the residual is added.
  InnerFunction function;     ///< Int8 layers with u8 results and without inner bounds only.
  bool operator==(const ConvAttributes&) const = default;
};
struct BinaryAttributes {  // add, sub, mul, div, floor_div
  Bounds bounds;
  bool operator==(const BinaryAttributes&) const = default;
};
struct PoolAttributes {  // max_pool, average_pool
  Window window;
  bool count_include_pad = false;
  bool ceil_mode = false;
  Bounds bounds;
  bool operator==(const PoolAttributes&) const = default;
};
struct AxisAttributes {  // softmax, log_softmax, argmax, concat, top_k
  int32_t axis = 0;
  bool keepdims = false;  ///< For argmax.
  int32_t k = 1;          ///< For top_k: how many values.
  bool largest = true;    ///< For top_k: the largest values, else the smallest.
  bool operator==(const AxisAttributes&) const = default;
};
/// One entry for each axis. The end follows from begin, stride and the output's shape.
struct SliceAttributes {
  std::vector<int32_t> begin;
  std::vector<int32_t> stride;  ///< Not 0. A negative stride walks backwards from begin.
  std::vector<int32_t> count;   ///< The extents of the output.
  bool operator==(const SliceAttributes&) const = default;
};
struct PadAttributes {  ///< One entry for each axis.
  std::vector<int32_t> before;
  std::vector<int32_t> after;
  float value = 0;
  bool operator==(const PadAttributes&) const = default;
};
struct ReshapeAttributes {
  Shape shape;
  bool operator==(const ReshapeAttributes&) const = default;
};
struct TransposeAttributes {
  std::vector<int32_t> permutation;  ///< Output axis i is input axis permutation[i].
  bool operator==(const TransposeAttributes&) const = default;
};
enum class ResizeMode : uint8_t { nearest, bilinear };
struct ResizeAttributes {
  int32_t output_h = 0;
  int32_t output_w = 0;
  ResizeMode mode = ResizeMode::nearest;
  bool align_corners = false;
  bool operator==(const ResizeAttributes&) const = default;
};
struct ClipAttributes {  // clip, requantize
  Bounds bounds;
  bool operator==(const ClipAttributes&) const = default;
};
struct MeanAttributes {
  std::vector<int32_t> axes;
  bool keepdims = false;
  bool operator==(const MeanAttributes&) const = default;
};
struct ScalarAttributes {  // batch_norm: epsilon; leaky_relu, elu: alpha
  float value = 0;
  bool operator==(const ScalarAttributes&) const = default;
};
struct LookupAttributes {
  Op function = Op::identity;  ///< The table's function; identity if it is not known.
  float value = 0;             ///< The parameter of the function: alpha of leaky_relu and elu.
  bool operator==(const LookupAttributes&) const = default;
};

struct QuantizeAttributes {  // quantize
  /// Only where the result has scales of channels: the level of each channel that stands for 0,
  /// which need not be whole. The channel's zero point is the nearest level.
  std::vector<float> means;
  bool operator==(const QuantizeAttributes&) const = default;
};

struct GatherAttributes {  // gather_nd
  /// If true, a negative index counts from the end of its axis. Otherwise it is an error.
  bool from_end = false;
  bool operator==(const GatherAttributes&) const = default;
};

using Attributes =
    std::variant<NoAttributes, ConvAttributes, BinaryAttributes, PoolAttributes, AxisAttributes,
                 SliceAttributes, PadAttributes, ReshapeAttributes, TransposeAttributes,
                 ResizeAttributes, ClipAttributes, MeanAttributes, ScalarAttributes,
                 LookupAttributes, GatherAttributes, QuantizeAttributes>;

/// The attributes that `op` takes, default-constructed. Only operator_table.cc says which
/// attributes belong to which operator.
Attributes default_attributes(Op op);

/// The result of a node that has exactly one, as nodes of nearly all operators do.
inline int32_t only_result(std::span<const int32_t> results) {
  assert(results.size() == 1);
  return results.front();
}

/// The number of elements. The shape has to be valid: all extents are positive, and the product
/// fits int32.
int64_t element_count(std::span<const int32_t> shape);

/// The largest number of elements in a tensor, so that byte offsets in float32 tensors stay within
/// 2 GiB.
constexpr int64_t max_elements = (int64_t{1} << 29) - 1;

std::string shape_text(std::span<const int32_t> shape);  // "[1, 224, 224, 3]"

/// Checks a shape: the rank is at most kernels::max_rank, all extents are at least 1, and there are
/// fewer than 2^29 elements. The error says what is wrong.
Expected<void> check_shape(std::span<const int32_t> shape);

/// Returns how many results a node of the operator has.
std::size_t result_count(Op op);

/// Returns the shapes of a node's results, as many as it has. An error says what is wrong with the
/// operands, without naming the node.
Expected<std::vector<Shape>> infer_shapes(Op op, const Attributes& attributes,
                                          std::span<const Shape> inputs);

/// The same for an operator whose nodes have exactly one result.
Expected<Shape> infer_shape(Op op, const Attributes& attributes, std::span<const Shape> inputs);

/// Checks the places that gather_nd takes of a tensor. Each place is `depth` numbers, along the
/// first `depth` axes of `shape`. The error names a number that is outside: not below its axis's
/// extent, or below 0 (with `from_end`, below minus the extent).
Expected<void> check_places(std::span<const int32_t> places, std::size_t depth, const Shape& shape,
                            bool from_end);

/// Whether the sum over an average pool's window always fits 32 bits, whatever the int8 values are.
/// `input` is [N, H, W, C].
bool average_pool_fits(const PoolAttributes& pool, const Shape& input);

/// Whether a convolution or linear layer has one filter for each channel, and as many results.
/// `inputs` and `outputs` are its channels.
bool is_depthwise(Op op, const ConvAttributes& layer, int32_t inputs, int32_t outputs);

/// Multiply-accumulates of one inference of the node; 0 for operators that are no layers.
int64_t count_macs(Op op, std::span<const Shape> inputs, const Shape& output);

}  // namespace octet
