// The operators, their attributes, and the shapes they make: shared by the graph, the model file
// and the engine.
//
// Tensors of images are [N, H, W, C]. Attributes count axes from 0; a loader has made negative axes
// positive.
#pragma once

#include <cassert>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "kernels/kernels.h"
#include "octet/octet.hpp"

namespace octet {

using kernels::Window;
using Shape = std::vector<int32_t>;

enum class Op : uint8_t {
  // int8 and float
  conv2d,  // x [N,H,W,I], weight [O,kh,kw,I/groups], bias [O]?, residual [N,h,w,O]?
  linear,  // x [..., I], weight [O,I], bias [O]?, residual [..., O]?
  add,     // a, b: broadcast as NumPy does
  sub,
  mul,
  max_pool,      // x [N,H,W,C]
  average_pool,  // x [N,H,W,C]
  softmax,       // x; int8: also the table of 256 float32
  argmax,        // x -> s32
  concat,        // x0, x1, ...
  slice,
  pad,
  reshape,
  transpose,
  resize,  // x [N,H,W,C]
  clip,    // x; relu and relu6 are clips
  // int8 only
  lookup,      // x, table of 256 u8
  quantize,    // f32 -> u8
  dequantize,  // u8 -> f32
  requantize,  // u8 -> u8 with other parameters, within bounds
  // float only; the graph turns the functions of one value into `lookup` where they run in int8
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
  // whole numbers (s32), which add, sub, mul and div take as well: exact, and steps of their own
  floor_div,    // a, b: s32, broadcast; towards minus infinity, where div goes towards 0
  cast,         // s32 -> f32, f32 -> s32
  gather_nd,    // data, indices s32 [..., depth]: places along the first `depth` axes of data
  log_softmax,  // x, f32: x - max - log(sum(exp(x - max))) along the axis; float only
  softsign,     // x / (1 + |x|); a `lookup` in int8, as the functions of one value above
  top_k,        // x -> the k largest or smallest along an axis, in order, and their places, s32
  // graph only: gone before a model is written
  identity,
};

constexpr int op_count = static_cast<int>(Op::identity) + 1;

/// 'conv2d', 'linear', ...: as in docs/float_export.md where the format has the operator.
const char* op_name(Op op);

/// Float functions of one value and no operand but it; in int8 each is a table of 256 entries.
bool is_function_of_one_value(Op op);

/// Can it run in a float island, in float32 from operands to result?
bool has_float_form(Op op);

/// Are the results of a float node the same bytes on every CPU, in an island without nodes that are
/// not? All but sums of products are, whose order is their library's.
bool is_exact_in_float(Op op);

/// Real bounds of the activation that was fused into an operator (relu: 0 and infinity).
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
struct ConvAttributes {  // conv2d, linear
  Window window;
  int32_t groups = 1;
  Bounds bounds;
  bool has_bias = false;
  bool has_residual = false;  ///< The last input is added before the bounds apply.
  Bounds inner_bounds;        ///< Of the layer's own result, before the residual is added.
};
struct BinaryAttributes {  // add, sub, mul, div, floor_div
  Bounds bounds;
};
struct PoolAttributes {  // max_pool, average_pool
  Window window;
  bool count_include_pad = false;
  bool ceil_mode = false;
  Bounds bounds;
};
struct AxisAttributes {  // softmax, log_softmax, argmax, concat, top_k
  int32_t axis = 0;
  bool keepdims = false;  ///< argmax
  int32_t k = 1;          ///< top_k
  bool largest = true;    ///< top_k; else the smallest
};
struct SliceAttributes {  ///< One entry an axis; end follows from begin, step and the output's
                          ///< shape.
  std::vector<int32_t> begin;
  std::vector<int32_t> step;   ///< Not 0; negative walks backwards from begin.
  std::vector<int32_t> count;  ///< The output's extents.
};
struct PadAttributes {  ///< One entry an axis.
  std::vector<int32_t> before;
  std::vector<int32_t> after;
  float value = 0;
};
struct ReshapeAttributes {
  Shape shape;
};
struct TransposeAttributes {
  std::vector<int32_t> permutation;  ///< Output axis i is input axis permutation[i].
};
enum class ResizeMode : uint8_t { nearest, bilinear };
struct ResizeAttributes {
  int32_t output_h = 0;
  int32_t output_w = 0;
  ResizeMode mode = ResizeMode::nearest;
  bool align_corners = false;
};
struct ClipAttributes {  // clip, requantize
  Bounds bounds;
};
struct MeanAttributes {
  std::vector<int32_t> axes;
  bool keepdims = false;
};
struct ScalarAttributes {  // batch_norm: epsilon; leaky_relu, elu: alpha
  float value = 0;
};
struct LookupAttributes {
  Op function = Op::identity;  ///< What the table holds; identity where nobody knows.
  float value = 0;             ///< Its parameter: alpha of leaky_relu and elu.
};

struct GatherAttributes {  // gather_nd
  bool from_end = false;   ///< A negative index counts from the end of its axis; else it is wrong.
};

using Attributes =
    std::variant<NoAttributes, ConvAttributes, BinaryAttributes, PoolAttributes, AxisAttributes,
                 SliceAttributes, PadAttributes, ReshapeAttributes, TransposeAttributes,
                 ResizeAttributes, ClipAttributes, MeanAttributes, ScalarAttributes,
                 LookupAttributes, GatherAttributes>;

/// The attributes that `op` takes, default-constructed: operators and attributes are matched in
/// this one place.
Attributes default_attributes(Op op);

/// The result of a node that has one, as nodes of nearly all operators do.
inline int32_t only_result(std::span<const int32_t> results) {
  assert(results.size() == 1);
  return results.front();
}

/// Number of elements; shapes here are validated: extents are positive and the product fits int32.
int64_t element_count(std::span<const int32_t> shape);

/// The largest tensor: byte offsets of float32 tensors stay within 2 GiB.
constexpr int64_t max_elements = (int64_t{1} << 29) - 1;

std::string shape_text(std::span<const int32_t> shape);  // "[1, 224, 224, 3]"

/// An error says what is wrong with the shape: rank at most kernels::max_rank, extents at least 1,
/// under 2^29 elements.
Expected<void> check_shape(std::span<const int32_t> shape);

/// How many results a node of the operator has.
std::size_t result_count(Op op);

/// -> the shape of the result, and of each of several; an error says what is wrong with the
/// operands, without naming the node.
Expected<Shape> infer_shape(Op op, const Attributes& attributes, std::span<const Shape> inputs);

/// Places that gather_nd takes of a tensor: each is `depth` numbers, along the first axes of
/// `shape`. An error says which is outside: beyond its axis or below 0; with `from_end`, below
/// minus its extent.
Expected<void> check_places(std::span<const int32_t> places, std::size_t depth, const Shape& shape,
                            bool from_end);

/// Does the sum of an average pool's window over int8 values fit 32 bits, whatever they are?
/// `input` is [N, H, W, C].
bool average_pool_fits(const PoolAttributes& pool, const Shape& input);

/// Multiply-accumulates of one inference of the node; 0 for what multiplies nothing.
int64_t count_macs(Op op, std::span<const Shape> inputs, const Shape& output);

}  // namespace octet
