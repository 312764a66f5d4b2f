#include "tests/tflite/random_graph.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace octet::test {
namespace {

using tflite::Activation;
using tflite::BuiltinOperator;
using tflite::Padding;
using tflite::TensorType;
using Extents = std::vector<int32_t>;

struct ByteKind {
  TensorType type = TensorType::UINT8;
  float scale = 1;
  int64_t zero_point = 0;

  int64_t low() const { return type == TensorType::INT8 ? -128 : 0; }
  double reach() const {
    return double{scale} *
           static_cast<double>(std::max(zero_point - low(), low() + 255 - zero_point));
  }
};

struct Known {
  int32_t tensor = 0;
  Extents shape;
  ByteKind kind;
};

/// Computed whole numbers, with a bound of their magnitude.
struct KnownWhole {
  int32_t tensor = 0;
  Extents shape;
  TensorType type = TensorType::INT32;
  double most = 0;
};

class Generator {
 public:
  explicit Generator(const ChooseBelow& choose) : choose_(choose) {}

  RandomTflite draw() {
    const Extents shape = {1, 1 + below(6), 1 + below(6), 1 + below(5)};
    const Known input = {.shape = shape, .kind = draw_kind(3)};
    out_.file.inputs = {add("x", shape, input.kind)};
    known_.push_back(input);
    const int32_t count = 2 + below(7);
    for (int32_t i = 0; i < count; ++i) step();
    while (out_.file.outputs.empty()) step();
    for (const int32_t tensor : out_.file.outputs) {
      if (!read_.contains(tensor)) out_.ends.push_back(tensor);
    }
    return std::move(out_);
  }

 private:
  int32_t below(uint32_t count) { return static_cast<int32_t>(choose_(count)); }
  bool flip() { return choose_(2) == 0; }
  double unit() { return static_cast<double>(choose_(1 << 16)) / (1 << 16); }
  std::string fresh(const std::string& what) { return what + std::to_string(++names_); }

  /// Draws a scale and zero point for values up to about `reach`.
  ByteKind draw_kind(double reach) {
    ByteKind out{.type = flip() ? TensorType::INT8 : TensorType::UINT8};
    const int32_t where = below(4);
    out.zero_point = out.low() + (where == 0   ? 0
                                  : where == 1 ? 128
                                  : where == 2 ? 255
                                               : below(256));
    out.scale = static_cast<float>(std::max(reach, 1e-3) / 128 * std::pow(2.0, 4 * unit() - 1.5));
    return out;
  }

  int32_t add(const std::string& name, const Extents& shape, const ByteKind& kind) {
    return out_.file.activation(name, shape, kind.type, kind.scale, kind.zero_point);
  }

  Known pick() { return known_[choose_(static_cast<uint32_t>(known_.size()))]; }

  void node(BuiltinOperator code, const std::vector<int32_t>& inputs, int32_t output,
            const TfliteOptions& options = {}) {
    for (const int32_t input : inputs) read_.insert(input);
    out_.file.node(code, inputs, {output}, options);
    out_.file.outputs.push_back(output);
  }

  /// Adds a result in bytes, whose kind may differ from that of the operand.
  void finish(BuiltinOperator code, const std::vector<int32_t>& inputs, const Extents& shape,
              const ByteKind& kind, const TfliteOptions& options = {}) {
    const int32_t y = add(fresh("y"), shape, kind);
    node(code, inputs, y, options);
    known_.push_back({y, shape, kind});
  }

  ByteKind after_mover(const Known& x) {
    if (choose_(4) != 0) return x.kind;
    ByteKind other = draw_kind(x.kind.reach());
    if (other.type != x.kind.type) {
      other.type = x.kind.type;
      other.zero_point += x.kind.type == TensorType::INT8 ? -128 : 128;
    }
    return other;
  }

  void move(BuiltinOperator code, const Known& x, const std::vector<int32_t>& constants,
            const Extents& shape, const TfliteOptions& options = {}) {
    std::vector<int32_t> inputs = {x.tensor};
    inputs.insert(inputs.end(), constants.begin(), constants.end());
    finish(code, inputs, shape, after_mover(x), options);
  }

  int32_t integers(const std::vector<int32_t>& values) {
    return out_.file.integers(fresh("ints"), values);
  }

  static TfliteOptions pool_options(int32_t kernel, int32_t stride, Padding padding) {
    return options<tflite::Pool2DOptions>(tflite::CreatePool2DOptions, padding, stride, stride,
                                          kernel, kernel, Activation::NONE);
  }

  void step() {
    const Known x = pick();
    if (x.shape.size() == 4 && x.shape[0] == 1) {
      switch (below(12)) {
        case 0:
        case 1:
          return pool(x);
        case 2:
          return convolve(x, flip());
        case 3:
          return resize(x);
        case 4:
          return blocks(x);
        default:
          break;
      }
    }
    switch (below(17)) {
      case 13:
        return find_largest(x);
      case 14:
        return compute_whole();
      case 15:
      case 16:
        return pick_places(x);
      case 0:
        return finish(BuiltinOperator::QUANTIZE, {x.tensor}, x.shape, draw_kind(x.kind.reach()));
      case 1:
        return move(BuiltinOperator::RESHAPE, x, {integers({1, count(x.shape)})},
                    {1, count(x.shape)});
      case 2:
        return transpose(x);
      case 3:
        return slice(x);
      case 4:
        return pad(x);
      case 5:
      case 6:
        return join(x);
      case 7:
      case 8:
        return combine(x);
      case 9:
      case 10:
        return function(x);
      case 11:
        return x.shape.size() == 2 && x.shape[0] == 1 ? connect(x) : island(x);
      default:
        return island(x);
    }
  }

  static int32_t count(const Extents& shape) {
    int32_t n = 1;
    for (const int32_t extent : shape) n *= extent;
    return n;
  }

  void pool(const Known& x) {
    const int32_t kernel = 1 + below(static_cast<uint32_t>(std::min({3, x.shape[1], x.shape[2]})));
    const int32_t stride = 1 + below(2);
    const bool same = flip();
    const auto size = [&](int32_t in) {
      return same ? (in + stride - 1) / stride : (in - kernel) / stride + 1;
    };
    move(flip() ? BuiltinOperator::MAX_POOL_2D : BuiltinOperator::AVERAGE_POOL_2D, x, {},
         {1, size(x.shape[1]), size(x.shape[2]), x.shape[3]},
         pool_options(kernel, stride, same ? Padding::SAME : Padding::VALID));
  }

  /// Adds a layer with a scale of its weights for each channel. Some channels are dead, and some
  /// biases leave no room for sums.
  void convolve(const Known& x, bool depthwise) {
    const int32_t outputs = depthwise ? x.shape[3] : 1 + below(4);
    const int32_t kernel = 1 + below(2);
    const Extents shape = depthwise ? Extents{1, kernel, kernel, outputs}
                                    : Extents{outputs, kernel, kernel, x.shape[3]};
    TfliteScale scale{.axis = depthwise ? 3 : 0};
    std::vector<int32_t> bytes(static_cast<std::size_t>(count(shape)));
    for (int32_t& q : bytes) q = below(255) - 127;
    std::vector<int32_t> biases;
    for (int32_t o = 0; o < outputs; ++o) {
      scale.scale.push_back(static_cast<float>(0.001 + 0.02 * unit()));
      scale.zero_point.push_back(0);
      biases.push_back(below(4000) - 2000);
      const int32_t kind = below(8);
      if (kind > 1) continue;
      // A dead channel has a scale of nearly 0, or no weights and a bias that needs all 32 bits.
      if (kind == 0) scale.scale.back() = flip() ? 0 : 1e-42f;
      if (kind == 1) {
        scale.scale.back() = 1e-8f;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
          const auto each = bytes.size() / static_cast<std::size_t>(outputs);
          const std::size_t channel = depthwise ? i % static_cast<std::size_t>(outputs) : i / each;
          if (channel == static_cast<std::size_t>(o)) bytes[i] = 0;
        }
      }
      biases.back() = flip() ? 2147483647 : -2147483647 - 1;
    }
    const int32_t w = out_.file.bytes(fresh("w"), shape, TensorType::INT8, bytes, scale);
    const int32_t b = out_.file.biases(fresh("b"), biases);
    const Extents y = {1, x.shape[1], x.shape[2], outputs};
    const auto activation = flip() ? Activation::NONE : Activation::RELU;
    const TfliteOptions o =
        depthwise
            ? options<tflite::DepthwiseConv2DOptions>(tflite::CreateDepthwiseConv2DOptions,
                                                      Padding::SAME, 1, 1, 1, activation, 1, 1)
            : options<tflite::Conv2DOptions>(tflite::CreateConv2DOptions, Padding::SAME, 1, 1,
                                             activation, 1, 1);
    finish(depthwise ? BuiltinOperator::DEPTHWISE_CONV_2D : BuiltinOperator::CONV_2D,
           {x.tensor, w, b}, y, draw_kind(x.kind.reach()), o);
  }

  void connect(const Known& x) {
    const int32_t inputs = x.shape[1];
    const int32_t outputs = 1 + below(4);
    std::vector<int32_t> bytes(static_cast<std::size_t>(inputs * outputs));
    for (int32_t& q : bytes) q = below(255) - 127;
    const int32_t w = out_.file.bytes(fresh("w"), {outputs, inputs}, TensorType::INT8, bytes,
                                      {{static_cast<float>(0.001 + 0.01 * unit())}, {0}, 0});
    finish(BuiltinOperator::FULLY_CONNECTED, {x.tensor, w}, {1, outputs}, draw_kind(x.kind.reach()),
           options<tflite::FullyConnectedOptions>(tflite::CreateFullyConnectedOptions,
                                                  Activation::NONE, tflite::WeightsFormat::DEFAULT,
                                                  false));
  }

  void resize(const Known& x) {
    const int32_t size = integers({2 * x.shape[1], 2 * x.shape[2]});
    const Extents y = {1, 2 * x.shape[1], 2 * x.shape[2], x.shape[3]};
    if (count(y) > 4096) return;
    if (flip()) {
      return move(BuiltinOperator::RESIZE_NEAREST_NEIGHBOR, x, {size}, y,
                  options<tflite::ResizeNearestNeighborOptions>(
                      tflite::CreateResizeNearestNeighborOptions, false, false));
    }
    move(BuiltinOperator::RESIZE_BILINEAR, x, {size}, y,
         options<tflite::ResizeBilinearOptions>(tflite::CreateResizeBilinearOptions, false, true));
  }

  void blocks(const Known& x) {
    const Extents& s = x.shape;
    if (s[3] % 4 == 0) {
      return move(BuiltinOperator::DEPTH_TO_SPACE, x, {}, {1, 2 * s[1], 2 * s[2], s[3] / 4},
                  options<tflite::DepthToSpaceOptions>(tflite::CreateDepthToSpaceOptions, 2));
    }
    if (s[1] % 2 != 0 || s[2] % 2 != 0) return;
    move(BuiltinOperator::SPACE_TO_DEPTH, x, {}, {1, s[1] / 2, s[2] / 2, s[3] * 4},
         options<tflite::SpaceToDepthOptions>(tflite::CreateSpaceToDepthOptions, 2));
  }

  void transpose(const Known& x) {
    std::vector<int32_t> order(x.shape.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(i);
    const auto rank = static_cast<uint32_t>(order.size());
    std::swap(order[choose_(rank)], order[choose_(rank)]);
    if (order[0] != 0) std::swap(order[0], *std::find(order.begin(), order.end(), 0));
    Extents shape;
    for (const int32_t axis : order) shape.push_back(x.shape[static_cast<std::size_t>(axis)]);
    move(BuiltinOperator::TRANSPOSE, x, {integers(order)}, shape);
  }

  void slice(const Known& x) {
    std::vector<int32_t> begin, size;
    for (const int32_t extent : x.shape) {
      begin.push_back(below(static_cast<uint32_t>(extent)));
      size.push_back(1 + below(static_cast<uint32_t>(extent - begin.back())));
    }
    move(BuiltinOperator::SLICE, x, {integers(begin), integers(size)}, size);
  }

  struct Padded {
    std::vector<int32_t> pads;
    Extents shape;
  };
  Padded draw_pads(const Extents& shape) {
    Padded out{.shape = shape};
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const int32_t before = i == 0 ? 0 : below(2);
      const int32_t after = i == 0 ? 0 : below(2);
      out.pads.insert(out.pads.end(), {before, after});
      out.shape[i] += before + after;
    }
    return out;
  }

  void pad(const Known& x) {
    const Padded p = draw_pads(x.shape);
    std::vector<int32_t> constants = {integers(p.pads)};
    const bool has_value = flip();
    if (has_value) {
      const auto byte = static_cast<int32_t>(x.kind.low()) + below(256);
      constants.push_back(out_.file.bytes(fresh("value"), {1}, x.kind.type, {byte},
                                          {{x.kind.scale}, {x.kind.zero_point}, 0}));
    }
    move(has_value ? BuiltinOperator::PADV2 : BuiltinOperator::PAD, x, constants, p.shape);
  }

  /// Adds random bytes as a constant of `shape`. `kind` may be that of another tensor or its own.
  int32_t constant(const Extents& shape, const ByteKind& kind) {
    std::vector<int32_t> bytes(static_cast<std::size_t>(count(shape)));
    for (int32_t& q : bytes) q = static_cast<int32_t>(kind.low()) + below(256);
    return out_.file.bytes(fresh("c"), shape, kind.type, bytes,
                           {{kind.scale}, {kind.zero_point}, 0});
  }

  void join(const Known& x) {
    const std::size_t axis =
        x.shape.size() == 1 ? 0 : 1 + choose_(static_cast<uint32_t>(x.shape.size() - 1));
    Extents shape = x.shape;
    std::vector<int32_t> inputs = {x.tensor};
    double reach = x.kind.reach();
    const int32_t others = 1 + below(2);
    for (int32_t i = 0; i < others; ++i) {
      const Known other = pick();
      Extents fits = other.shape;
      if (fits.size() == x.shape.size()) fits[axis] = x.shape[axis];
      if (fits == x.shape) {
        inputs.push_back(other.tensor);
        shape[axis] += other.shape[axis];
        reach = std::max(reach, other.kind.reach());
      } else {
        Extents part = x.shape;
        part[axis] = 1 + below(2);
        const ByteKind kind = flip() ? x.kind : draw_kind(x.kind.reach());
        inputs.push_back(constant(part, kind));
        shape[axis] += part[axis];
      }
    }
    if (count(shape) > 4096) return;
    finish(BuiltinOperator::CONCATENATION, inputs, shape, flip() ? x.kind : draw_kind(reach),
           options<tflite::ConcatenationOptions>(tflite::CreateConcatenationOptions,
                                                 static_cast<int32_t>(axis), Activation::NONE));
  }

  void combine(const Known& x) {
    const BuiltinOperator codes[] = {BuiltinOperator::ADD, BuiltinOperator::SUB,
                                     BuiltinOperator::MUL};
    const BuiltinOperator code = codes[below(3)];
    const Known other = pick();
    const bool same = other.shape == x.shape;
    const ByteKind kind = same ? other.kind : draw_kind(2);
    const int32_t b =
        same ? other.tensor : constant(flip() ? Extents{x.shape.back()} : Extents{1}, kind);
    const double reach = code == BuiltinOperator::MUL ? x.kind.reach() * kind.reach() / 2
                                                      : std::max(x.kind.reach(), kind.reach());
    const auto activation = flip()   ? Activation::NONE
                            : flip() ? Activation::RELU
                                     : Activation::RELU6;
    const TfliteOptions o = code == BuiltinOperator::ADD
                                ? options<tflite::AddOptions>(tflite::CreateAddOptions, activation)
                            : code == BuiltinOperator::SUB
                                ? options<tflite::SubOptions>(tflite::CreateSubOptions, activation)
                                : options<tflite::MulOptions>(tflite::CreateMulOptions, activation);
    finish(code, {x.tensor, b}, x.shape, draw_kind(reach), o);
  }

  void function(const Known& x) {
    switch (below(7)) {
      case 0:
        return finish(BuiltinOperator::RELU, {x.tensor}, x.shape, after_mover(x));
      case 1:
        return finish(BuiltinOperator::RELU6, {x.tensor}, x.shape, draw_kind(3));
      case 2:
        return finish(BuiltinOperator::HARD_SWISH, {x.tensor}, x.shape, draw_kind(x.kind.reach()));
      case 3:
        return finish(BuiltinOperator::LOGISTIC, {x.tensor}, x.shape, probability());
      case 4:
        return finish(BuiltinOperator::SOFTMAX, {x.tensor}, x.shape, probability(),
                      options<tflite::SoftmaxOptions>(tflite::CreateSoftmaxOptions, 1.0f));
      case 5: {
        const auto code = flip() ? BuiltinOperator::MAXIMUM : BuiltinOperator::MINIMUM;
        return finish(code, {x.tensor, constant({1}, x.kind)}, x.shape, after_mover(x));
      }
      default: {
        if (x.shape.size() != 4 || x.shape[0] != 1) return;
        const auto reduces = options<tflite::ReducerOptions>(tflite::CreateReducerOptions, true);
        return move(flip() ? BuiltinOperator::MEAN : BuiltinOperator::REDUCE_MAX, x,
                    {integers({1, 2})}, {1, 1, 1, x.shape[3]}, reduces);
      }
    }
  }

  ByteKind probability() {
    return flip() ? ByteKind{TensorType::INT8, 1.0f / 256, -128}
                  : ByteKind{TensorType::UINT8, 1.0f / 256, 0};
  }

  int32_t add_whole(const Extents& shape, TensorType type) {
    return out_.file.tensor({.name = fresh("n"), .shape = shape, .type = type});
  }

  KnownWhole finish_whole(BuiltinOperator code, const std::vector<int32_t>& inputs,
                          const Extents& shape, TensorType type, double most,
                          const TfliteOptions& options = {}) {
    const KnownWhole y = {add_whole(shape, type), shape, type, most};
    node(code, inputs, y.tensor, options);
    whole_.push_back(y);
    return y;
  }

  KnownWhole pick_whole(const Known& x) {
    if (whole_.empty()) find_largest(x);
    return whole_[choose_(static_cast<uint32_t>(whole_.size()))];
  }

  void find_largest(const Known& x) {
    const auto axis = static_cast<std::size_t>(below(static_cast<uint32_t>(x.shape.size())));
    Extents shape = x.shape;
    shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
    finish_whole(BuiltinOperator::ARG_MAX, {x.tensor, integers({static_cast<int32_t>(axis)})},
                 shape, flip() ? TensorType::INT32 : TensorType::INT64, x.shape[axis] - 1);
  }

  int32_t whole_constant(const Extents& shape, TensorType type, int64_t least, uint32_t count_of) {
    std::vector<int64_t> values(static_cast<std::size_t>(count(shape)));
    for (int64_t& v : values) {
      do v = least + below(count_of);
      while (v == 0);
    }
    return out_.file.whole_numbers(fresh("k"), shape, type, values);
  }

  /// Adds one operation on whole numbers: with a constant, or with another tensor of the same
  /// shape. INT32 may wrap around, INT64 must not leave 32 bits.
  void compute_whole() {
    if (whole_.empty()) return;
    const KnownWhole x = whole_[choose_(static_cast<uint32_t>(whole_.size()))];
    const BuiltinOperator codes[] = {BuiltinOperator::ADD,       BuiltinOperator::SUB,
                                     BuiltinOperator::MUL,       BuiltinOperator::DIV,
                                     BuiltinOperator::FLOOR_DIV, BuiltinOperator::FLOOR_MOD};
    const BuiltinOperator code = codes[below(6)];
    const bool wraps = x.type == TensorType::INT32 && flip();
    const Extents shape = flip() || x.shape.empty() ? Extents{} : Extents{x.shape.back()};
    const int64_t reach = wraps ? 2000000000 : 20;
    int32_t other = whole_constant(shape, x.type, -reach, static_cast<uint32_t>(2 * reach));
    double most = static_cast<double>(reach);
    const KnownWhole y = whole_[choose_(static_cast<uint32_t>(whole_.size()))];
    const bool divides = code != BuiltinOperator::ADD && code != BuiltinOperator::SUB &&
                         code != BuiltinOperator::MUL;
    if (!divides && y.shape == x.shape && y.type == x.type) other = y.tensor, most = y.most;
    const double bound = code == BuiltinOperator::MUL ? x.most * most : x.most + most;
    if (x.type == TensorType::INT64 && bound > 1e6) return;
    const bool swaps = !divides && flip();
    finish_whole(code, {swaps ? other : x.tensor, swaps ? x.tensor : other}, x.shape, x.type,
                 std::min(bound, 2147483648.0), binary_options(code));
  }

  /// Brings whole numbers, whatever they are, into the range of an axis with this extent.
  KnownWhole within(const KnownWhole& x, int32_t extent) {
    const int32_t k = out_.file.whole_numbers(fresh("k"), {}, x.type, {extent});
    return finish_whole(BuiltinOperator::FLOOR_MOD, {x.tensor, k}, x.shape, x.type, extent - 1);
  }

  KnownWhole shaped(const KnownWhole& x, const Extents& shape) {
    return finish_whole(BuiltinOperator::RESHAPE, {x.tensor, integers(shape)}, shape, x.type,
                        x.most);
  }

  /// Uses whole numbers: to take parts of a tensor, or as values that become bytes.
  void pick_places(const Known& x) {
    const KnownWhole found = pick_whole(x);
    switch (below(3)) {
      case 0: {
        const int32_t f = out_.file.activation(fresh("f"), found.shape);
        node(BuiltinOperator::CAST, {found.tensor}, f);
        if (found.shape.empty()) return;
        return finish(BuiltinOperator::QUANTIZE, {f}, found.shape, draw_kind(found.most + 1));
      }
      case 1: {
        const auto axis = static_cast<std::size_t>(below(static_cast<uint32_t>(x.shape.size())));
        const KnownWhole at = within(found, x.shape[axis]);
        Extents shape = x.shape;
        shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
        shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), at.shape.begin(),
                     at.shape.end());
        if (shape.empty() || shape.size() > 5 || at.shape.size() > 4 || count(shape) > 4096) return;
        return move(BuiltinOperator::GATHER, x, {at.tensor}, shape,
                    options<tflite::GatherOptions>(tflite::CreateGatherOptions,
                                                   static_cast<int32_t>(axis), 0));
      }
      default:
        return gather_places(x, found);
    }
  }

  void gather_places(const Known& x, const KnownWhole& found) {
    const auto depth = 1 + choose_(static_cast<uint32_t>(x.shape.size()));
    const int32_t places = count(found.shape);
    Extents shape = {places};
    shape.insert(shape.end(), x.shape.begin() + static_cast<std::ptrdiff_t>(depth), x.shape.end());
    if (count(shape) > 4096) return;
    const Extents all = {places, static_cast<int32_t>(depth)};
    if (choose_(5) == 0) {  // places that are in the file
      std::vector<int64_t> values;
      for (int32_t i = 0; i < count(all); ++i)
        values.push_back(
            below(static_cast<uint32_t>(x.shape[static_cast<std::size_t>(i) % depth])));
      const int32_t k = out_.file.whole_numbers(fresh("k"), all, found.type, values);
      return move(BuiltinOperator::GATHER_ND, x, {k}, shape);
    }
    std::vector<int32_t> parts;
    const bool packs = flip();
    for (std::size_t axis = 0; axis < depth; ++axis) {
      const Extents part = packs ? Extents{places} : Extents{places, 1};
      if (axis + 1 < depth && choose_(3) == 0) {
        std::vector<int64_t> values(static_cast<std::size_t>(places));
        for (int64_t& v : values) v = below(static_cast<uint32_t>(x.shape[axis]));
        parts.push_back(out_.file.whole_numbers(fresh("k"), part, found.type, values));
      } else {
        parts.push_back(shaped(within(found, x.shape[axis]), part).tensor);
      }
    }
    const KnownWhole at =
        packs ? finish_whole(BuiltinOperator::PACK, parts, all, found.type, 4096,
                             options<tflite::PackOptions>(tflite::CreatePackOptions,
                                                          static_cast<int32_t>(depth), 1))
              : finish_whole(BuiltinOperator::CONCATENATION, parts, all, found.type, 4096,
                             options<tflite::ConcatenationOptions>(
                                 tflite::CreateConcatenationOptions, 1, Activation::NONE));
    move(BuiltinOperator::GATHER_ND, x, {at.tensor}, shape);
  }

  /// Converts bytes to floats, adds an operator on them, and converts back to bytes.
  void island(const Known& x) {
    const bool casts = choose_(4) == 0;
    int32_t f = out_.file.activation(fresh("f"), x.shape);
    node(casts ? BuiltinOperator::CAST : BuiltinOperator::DEQUANTIZE, {x.tensor}, f);
    Extents shape = x.shape;
    const double reach = casts ? 255 : x.kind.reach();
    switch (below(5)) {
      case 0: {
        const Padded p = draw_pads(shape);
        shape = p.shape;
        const auto value = static_cast<float>(reach * (2 * unit() - 1));
        const int32_t pads = integers(p.pads);
        const int32_t number = out_.file.floats(fresh("value"), {1}, {value});
        const int32_t y = out_.file.activation(fresh("f"), shape);
        node(BuiltinOperator::PADV2, {f, pads, number}, y);
        f = y;
        break;
      }
      case 1: {
        const int32_t y = out_.file.activation(fresh("f"), shape);
        node(BuiltinOperator::RELU, {f}, y);
        f = y;
        break;
      }
      case 2: {
        const int32_t number =
            out_.file.floats(fresh("value"), {1}, {static_cast<float>(reach * unit())});
        const int32_t y = out_.file.activation(fresh("f"), shape);
        node(flip() ? BuiltinOperator::MINIMUM : BuiltinOperator::MAXIMUM, {f, number}, y);
        f = y;
        break;
      }
      case 3: {
        const int32_t y = out_.file.activation(fresh("f"), {1, count(shape)});
        node(BuiltinOperator::RESHAPE, {f, integers({1, count(shape)})}, y);
        shape = {1, count(shape)};
        f = y;
        break;
      }
      default:
        break;
    }
    finish(BuiltinOperator::QUANTIZE, {f}, shape, draw_kind(reach));
  }

  const ChooseBelow& choose_;
  RandomTflite out_;
  std::vector<Known> known_;
  std::vector<KnownWhole> whole_;
  std::set<int32_t> read_;
  int names_ = 0;
};

}  // namespace

RandomTflite draw_tflite_graph(const ChooseBelow& choose) { return Generator(choose).draw(); }

}  // namespace octet::test
