#include "tests/onnx/qdq_graph.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

namespace octet::test {
namespace {

using Evaluate = std::function<RealTensor(const std::vector<RealTensor>&)>;

/// A dequantized value, with the names of its bytes and of its reals.
struct Known {
  std::string bytes;
  std::string real;
  Dims dims;
  ByteScale scale;
};

/// A float value for which no QuantizeLinear has been added yet.
struct Loose {
  std::string name;
  Dims dims;
  std::vector<std::string> sources;
  Evaluate evaluate;
  /// About the range of its values, for which a scale is drawn.
  double least = 0;
  double most = 0;
  std::string operators;
  bool is_probability = false;
};

std::string raw_bytes(const std::vector<int64_t>& values) {
  std::string raw;
  for (const int64_t v : values) raw += static_cast<char>(static_cast<uint8_t>(v));
  return raw;
}

int32_t type_of(const ByteScale& scale) { return scale.is_signed ? int8_type : uint8_type; }

class Generator {
 public:
  explicit Generator(const Choose& choose) : choose_(choose) {}

  QdqGraph draw() {
    add_input();
    const uint32_t count = 2 + choose_(7);
    for (uint32_t i = 0; i < count; ++i) {
      if (choose_(4) == 0) {
        add_byte_step();
      } else {
        add_float_step();
      }
    }
    std::set<std::string> read;
    for (const QdqStep& step : graph_.steps) read.insert(step.inputs.begin(), step.inputs.end());
    for (const QdqStep& step : graph_.steps) {
      if (!read.contains(step.output)) graph_.ends.push_back(step.output);
    }
    // If nobody dequantizes an input in bytes, nothing says which reals the bytes stand for. So its
    // dequantized value is an output, too.
    const std::string& first = graph_.steps[0].output;
    if (input_in_bytes_ && graph_.ends[0] != first) graph_.ends.push_back(first);
    return std::move(graph_);
  }

 private:
  std::string fresh(const std::string& what) { return what + std::to_string(++names_); }
  double unit() { return static_cast<double>(choose_(1 << 16)) / (1 << 16); }
  const Known& any() { return known_[choose_(static_cast<uint32_t>(known_.size()))]; }

  /// Draws a scale and zero point for values of about this range.
  ByteScale draw_scale(double least, double most) {
    ByteScale out{.is_signed = choose_(2) == 0};
    const int64_t kind = choose_(4);
    out.zero_point = kind == 0   ? out.low()
                     : kind == 1 ? out.low() + 128
                     : kind == 2 ? out.low() + 255
                                 : out.low() + choose_(256);
    const double widest = std::max({std::abs(least), std::abs(most), 1e-3});
    // The scale may be so fine that half of the values are clipped, or so coarse that they use an
    // eighth of the levels.
    out.scale = static_cast<float>(widest / 128 * std::pow(2.0, 4 * unit() - 1.5));
    return out;
  }

  void add_scale_constants(const std::string& name, const ByteScale& scale) {
    graph_.file.floats(name + ".s", {}, {scale.scale});
    graph_.file.constant(name + ".z", {}, type_of(scale), raw_bytes({scale.zero_point}));
  }

  void add_input() {
    graph_.input = "x";
    graph_.input_dims = {1, 1 + choose_(4), 1 + choose_(6), 1 + choose_(6)};
    ByteScale scale = draw_scale(-3, 3);
    input_in_bytes_ = choose_(4) == 0;
    for (int64_t i = 0; i < count_of(graph_.input_dims); ++i) {
      const double normal = (unit() + unit() + unit() - 1.5) * 4;
      graph_.values.push_back(static_cast<double>(static_cast<float>(normal)));
      if (input_in_bytes_) graph_.values.back() = scale.rounded(normal);
    }
    graph_.file.input("x", graph_.input_dims, input_in_bytes_ ? type_of(scale) : 1);
    if (input_in_bytes_) {
      add_scale_constants("x", scale);
      return dequantize("x", "x", {"x"}, graph_.input_dims, scale, "input",
                        [](const std::vector<RealTensor>& v) { return v[0]; });
    }
    quantize({.name = "x",
              .dims = graph_.input_dims,
              .sources = {"x"},
              .evaluate = [](const std::vector<RealTensor>& v) { return v[0]; },
              .operators = "input"},
             scale);
  }

  void dequantize(const std::string& bytes, const std::string& constants,
                  std::vector<std::string> sources, const Dims& dims, const ByteScale& scale,
                  const std::string& operators, Evaluate evaluate, bool is_probability = false) {
    const std::string real = fresh("real");
    graph_.file.node("DequantizeLinear", {bytes, constants + ".s", constants + ".z"}, {real});
    known_.push_back({.bytes = bytes, .real = real, .dims = dims, .scale = scale});
    graph_.steps.push_back({.operators = operators,
                            .inputs = std::move(sources),
                            .output = real,
                            .scale = scale,
                            .is_probability = is_probability,
                            .evaluate = std::move(evaluate)});
  }

  void quantize(const Loose& value, const ByteScale& scale) {
    const std::string bytes = fresh("bytes");
    add_scale_constants(bytes, scale);
    graph_.file.node("QuantizeLinear", {value.name, bytes + ".s", bytes + ".z"}, {bytes});
    dequantize(bytes, bytes, value.sources, value.dims, scale, value.operators, value.evaluate,
               value.is_probability);
  }

  // Steps in float.

  Loose loose(const Known& from) {
    return {.name = from.real,
            .dims = from.dims,
            .sources = {from.real},
            .evaluate = [](const std::vector<RealTensor>& v) { return v[0]; },
            .least = from.scale.least(),
            .most = from.scale.most()};
  }

  using Apply = std::function<RealTensor(const RealTensor&)>;

  /// Applies one node to `x` and constants.
  void apply(Loose& x, const std::string& op, const std::vector<std::string>& constants,
             const OnnxAttributes& attributes, Dims dims, Apply function) {
    std::vector<std::string> inputs = {x.name};
    inputs.insert(inputs.end(), constants.begin(), constants.end());
    x.name = fresh(op);
    graph_.file.node(op, inputs, {x.name}, attributes);
    x.dims = std::move(dims);
    x.evaluate = [before = x.evaluate, function = std::move(function)](
                     const std::vector<RealTensor>& v) { return function(before(v)); };
    x.operators += (x.operators.empty() ? "" : " ") + op;
    x.is_probability = false;
  }

  std::string integers(const std::vector<int64_t>& values) {
    const std::string name = fresh("ints");
    graph_.file.integers(name, values);
    return name;
  }

  std::string floats(const Dims& dims, const std::vector<float>& values) {
    const std::string name = fresh("floats");
    graph_.file.floats(name, dims, values);
    return name;
  }

  /// Draws an axis for a mover.
  std::size_t axis_of(const Dims& dims) { return choose_(static_cast<uint32_t>(dims.size())); }

  /// Applies one of the operators that only move values, to floats or bytes. `add` makes the node.
  template <class Add>
  void move(const Dims& dims, const Add& add) {
    const bool image = dims.size() == 4;
    switch (choose_(image ? 8 : 4)) {
      case 0: {  // gives it another shape
        Dims to = {1, count_of(dims)};
        if (choose_(2) == 0) to = {1, dims.back(), count_of(dims) / dims.back(), 1};
        return add("Reshape", {integers(to)}, {}, to,
                   [to](const RealTensor& x) { return with_dims(x, to); });
      }
      case 1: {
        std::vector<int64_t> permutation(dims.size());
        for (std::size_t i = 0; i < dims.size(); ++i) permutation[i] = static_cast<int64_t>(i);
        if (dims.size() > 2) std::swap(permutation[1], permutation[1 + choose_(image ? 3 : 2)]);
        Dims to;
        for (const int64_t axis : permutation) to.push_back(dims[static_cast<std::size_t>(axis)]);
        return add("Transpose", {}, {{"perm", permutation}}, to,
                   [permutation](const RealTensor& x) { return transposed(x, permutation); });
      }
      case 2: {
        const std::size_t axis = axis_of(dims);
        const int64_t step = 1 + choose_(2);
        const int64_t begin = choose_(static_cast<uint32_t>(dims[axis]));
        const int64_t most = (dims[axis] - begin + step - 1) / step;
        const int64_t count = 1 + choose_(static_cast<uint32_t>(most));
        Dims to = dims;
        to[axis] = count;
        return add("Slice",
                   {integers({begin}), integers({begin + step * (count - 1) + 1}),
                    integers({static_cast<int64_t>(axis)}), integers({step})},
                   {}, to,
                   [=](const RealTensor& x) { return sliced(x, axis, begin, step, count); });
      }
      case 3: {
        const std::size_t axis = axis_of(dims);
        const int64_t index = choose_(static_cast<uint32_t>(dims[axis]));
        Dims to = dims;
        to[axis] = 1;
        return add("Gather", {integers({index})}, {{"axis", static_cast<int64_t>(axis)}}, to,
                   [=](const RealTensor& x) { return sliced(x, axis, index, 1, 1); });
      }
      case 4: {
        const Window w = draw_window(dims);
        return add("MaxPool", {}, attributes_of(w), pooled_dims(dims, w),
                   [w](const RealTensor& x) { return max_pool(x, w); });
      }
      case 5: {
        const Dims to = {dims[0], dims[1], 2 * dims[2], 2 * dims[3]};
        return add("Resize", {"", floats({4}, {1, 1, 2, 2})},
                   {{"mode", std::string("nearest")},
                    {"coordinate_transformation_mode", std::string("asymmetric")},
                    {"nearest_mode", std::string("floor")}},
                   to, [](const RealTensor& x) { return doubled(x, false); });
      }
      case 6: {
        if (dims[1] % 4 == 0) {
          const Dims to = {dims[0], dims[1] / 4, dims[2] * 2, dims[3] * 2};
          return add("DepthToSpace", {}, {{"blocksize", int64_t{2}}}, to,
                     [](const RealTensor& x) { return depth_to_space(x, 2); });
        }
        if (dims[2] % 2 != 0 || dims[3] % 2 != 0) return;
        const Dims to = {dims[0], dims[1] * 4, dims[2] / 2, dims[3] / 2};
        return add("SpaceToDepth", {}, {{"blocksize", int64_t{2}}}, to,
                   [](const RealTensor& x) { return space_to_depth(x, 2); });
      }
      default: {
        const bool global = choose_(2) == 0;
        const OnnxAttributes axes = {{"axes", std::vector<int64_t>{2, 3}}};
        if (!global) {
          return add("ReduceMax", {}, axes, {dims[0], dims[1], 1, 1},
                     [](const RealTensor& x) { return reduced_image(x, true); });
        }
        const Dims before = {0, 0, choose_(2), choose_(2)};
        const Dims after = {0, 0, choose_(2), choose_(2)};
        const bool reflects = dims[2] > 1 && dims[3] > 1 && choose_(2) == 0;
        const Dims to = {dims[0], dims[1], dims[2] + before[2] + after[2],
                         dims[3] + before[3] + after[3]};
        return add(
            "Pad", {integers({0, 0, before[2], before[3], 0, 0, after[2], after[3]})},
            {{"mode", std::string(reflects ? "reflect" : "edge")}}, to, [=](const RealTensor& x) {
              return padded(x, before, after, reflects ? PadMode::reflect : PadMode::edge, 0);
            });
      }
    }
  }

  Window draw_window(const Dims& dims) {
    const auto smallest = static_cast<uint32_t>(std::min(dims[2], dims[3]));
    Window w{.kernel = 1 + choose_(std::min(3U, smallest)), .stride = 1 + choose_(2)};
    w.pad = w.kernel == 3 ? choose_(2) : 0;
    return w;
  }

  static Dims pooled_dims(const Dims& dims, const Window& w) {
    return {dims[0], dims[1], (dims[2] + 2 * w.pad - w.kernel) / w.stride + 1,
            (dims[3] + 2 * w.pad - w.kernel) / w.stride + 1};
  }

  static OnnxAttributes attributes_of(const Window& w) {
    return {{"kernel_shape", std::vector<int64_t>{w.kernel, w.kernel}},
            {"strides", std::vector<int64_t>{w.stride, w.stride}},
            {"pads", std::vector<int64_t>{w.pad, w.pad, w.pad, w.pad}}};
  }

  void move(Loose& x) {
    move(x.dims, [&](const std::string& op, const std::vector<std::string>& constants,
                     const OnnxAttributes& attributes, const Dims& dims, Apply function) {
      apply(x, op, constants, attributes, dims, std::move(function));
    });
  }

  /// Applies an operator that computes, to floats.
  void compute(Loose& x) {
    const bool image = x.dims.size() == 4;
    switch (choose_(image ? 9 : 5)) {
      case 0:
        apply(x, "Relu", {}, {}, x.dims, [](const RealTensor& v) {
          return mapped(v, [](double a) { return std::max(a, 0.0); });
        });
        x.least = 0;
        return;
      case 1: {
        const auto low = static_cast<float>(x.least * unit());
        const auto high = static_cast<float>(x.most * unit());
        return apply(x, "Clip", {floats({}, {low}), floats({}, {high})}, {}, x.dims,
                     [=](const RealTensor& v) {
                       return mapped(
                           v, [=](double a) { return std::clamp(a, double{low}, double{high}); });
                     });
      }
      case 2: {  // with a float constant: one number, or several that are not levels of one scale
        const bool adds = choose_(2) == 0;
        const int64_t count = choose_(2) == 0 ? 1 : x.dims.back();
        std::vector<float> values;
        for (int64_t i = 0; i < count; ++i)
          values.push_back(static_cast<float>((adds ? x.most - x.least : 2) * (unit() - 0.5)));
        const RealTensor constant{.dims = {count}, .values = {values.begin(), values.end()}};
        return apply(x, adds ? "Add" : "Mul", {floats({count}, values)}, {}, x.dims,
                     [=](const RealTensor& v) {
                       return combined(v, constant,
                                       [=](double a, double b) { return adds ? a + b : a * b; });
                     });
      }
      case 3: {
        const float alpha = 0.1f;
        return apply(x, "LeakyRelu", {}, {{"alpha", alpha}}, x.dims, [=](const RealTensor& v) {
          return mapped(v, [=](double a) { return a < 0 ? double{alpha} * a : a; });
        });
      }
      case 4:
        apply(x, "Softmax", {}, {{"axis", int64_t{-1}}}, x.dims, softmax_of_last_axis);
        x.least = 0;
        x.most = 1;
        x.is_probability = true;
        return;
      case 5: {
        const Window w = draw_window(x.dims);
        const bool counts = choose_(2) == 0;
        OnnxAttributes attributes = attributes_of(w);
        attributes.emplace_back("count_include_pad", int64_t{counts});
        return apply(x, "AveragePool", {}, attributes, pooled_dims(x.dims, w),
                     [=](const RealTensor& v) { return average_pool(v, w, counts); });
      }
      case 6:
        return apply(x, "GlobalAveragePool", {}, {}, {x.dims[0], x.dims[1], 1, 1},
                     [](const RealTensor& v) { return reduced_image(v, false); });
      case 7: {  // the value is a level of the operand's scale, or is not
        const Dims before = {0, 0, choose_(2), choose_(2)};
        const Dims after = {0, choose_(2), choose_(2), choose_(2)};
        const auto value = static_cast<float>(choose_(2) == 0 ? 0 : x.most * unit());
        Dims to = x.dims;
        for (std::size_t i = 0; i < 4; ++i) to[i] += before[i] + after[i];
        return apply(x, "Pad",
                     {integers({0, 0, before[2], before[3], 0, after[1], after[2], after[3]}),
                      floats({}, {value})},
                     {}, to, [=](const RealTensor& v) {
                       return padded(v, before, after, PadMode::constant, double{value});
                     });
      }
      default:
        return choose_(2) == 0 ? resize_linearly(x) : convolve(x);
    }
  }

  void resize_linearly(Loose& x) {
    const Dims to = {x.dims[0], x.dims[1], 2 * x.dims[2], 2 * x.dims[3]};
    apply(x, "Resize", {"", floats({4}, {1, 1, 2, 2})}, {{"mode", std::string("linear")}}, to,
          [](const RealTensor& v) { return doubled(v, true); });
  }

  /// Applies a layer with s8 weights that have a scale for each channel. The file may move the
  /// weights before the layer reads them.
  void convolve(Loose& x) {
    Window w = draw_window(x.dims);
    const int64_t outputs = 1 + choose_(3);
    const Dims dims = {outputs, x.dims[1], w.kernel, w.kernel};
    const bool by_channel = choose_(2) == 0;
    std::vector<float> scales;
    for (int64_t o = 0; o < (by_channel ? outputs : 1); ++o)
      scales.push_back(static_cast<float>(0.001 + 0.02 * unit()));
    std::vector<int64_t> bytes;
    RealTensor weights{.dims = dims};
    const int64_t each = count_of(dims) / outputs;
    for (int64_t i = 0; i < count_of(dims); ++i) {
      bytes.push_back(static_cast<int64_t>(choose_(255)) - 127);
      const float scale = scales[static_cast<std::size_t>(by_channel ? i / each : 0)];
      weights.values.push_back(double{scale} * static_cast<double>(bytes.back()));
    }
    std::vector<float> bias;
    for (int64_t o = 0; o < outputs; ++o) bias.push_back(static_cast<float>(unit() - 0.5));

    const std::string name = fresh("weights");
    const bool moved = choose_(2) == 0;
    graph_.file.constant(name, moved ? Dims{outputs, each} : dims, int8_type, raw_bytes(bytes));
    const Dims scale_dims = by_channel ? Dims{outputs} : Dims{};
    graph_.file.floats(name + ".s", scale_dims, scales);
    graph_.file.constant(name + ".z", scale_dims, int8_type,
                         raw_bytes(std::vector<int64_t>(scales.size(), 0)));
    graph_.file.node("DequantizeLinear", {name, name + ".s", name + ".z"}, {name + ".real"},
                     {{"axis", int64_t{0}}});
    std::string ready = name + ".real";
    if (moved) {
      ready = name + ".moved";
      graph_.file.node("Reshape", {name + ".real", integers(dims)}, {ready});
    }
    double widest = 0;
    for (const double v : weights.values) widest += std::abs(v);
    widest *= std::max(std::abs(x.least), std::abs(x.most)) / static_cast<double>(outputs) / 2;
    OnnxAttributes attributes = attributes_of(w);
    Dims to = pooled_dims(x.dims, w);
    to[1] = outputs;
    apply(x, "Conv", {ready, floats({outputs}, bias)}, attributes, to,
          [=, b = std::vector<double>(bias.begin(), bias.end())](const RealTensor& v) {
            return conv(v, weights, b, w);
          });
    x.least = -widest;
    x.most = widest;
  }

  /// Returns another value whose shape differs at most in `axis`; null if none is found.
  const Known* partner(const Dims& dims, std::size_t axis) {
    for (int tries = 0; tries < 4; ++tries) {
      const Known& other = any();
      if (other.dims.size() != dims.size()) continue;
      bool fits = true;
      for (std::size_t i = 0; i < dims.size(); ++i)
        fits = fits && (i == axis || other.dims[i] == dims[i]);
      if (fits) return &other;
    }
    return nullptr;
  }

  void join(Loose& x, bool concat) {
    const std::size_t axis = axis_of(x.dims);
    const Known* found = partner(x.dims, concat ? axis : x.dims.size());
    if (found == nullptr) return;
    Loose other = loose(*found);
    if (choose_(4) == 0) move_if_same_shape(other);
    const std::size_t first = x.sources.size();
    const auto split = [a = x.evaluate, b = other.evaluate,
                        first](const std::vector<RealTensor>& v) {
      const auto at = v.begin() + static_cast<std::ptrdiff_t>(first);
      return std::pair(a({v.begin(), at}), b({at, v.end()}));
    };
    const std::string op = concat ? "Concat" : std::vector{"Add", "Sub", "Mul"}[choose_(3)];
    const std::string name = fresh(op);
    OnnxAttributes attributes;
    if (concat) attributes.emplace_back("axis", static_cast<int64_t>(axis));
    graph_.file.node(op, {x.name, other.name}, {name}, attributes);
    x.name = name;
    if (concat) {
      x.dims[axis] += other.dims[axis];
      x.evaluate = [=](const std::vector<RealTensor>& v) {
        const auto [a, b] = split(v);
        return joined({a, b}, axis);
      };
    } else {
      x.evaluate = [=](const std::vector<RealTensor>& v) {
        const auto [a, b] = split(v);
        return combined(a, b, [&](double p, double q) {
          return op == "Add" ? p + q : op == "Sub" ? p - q : p * q;
        });
      };
    }
    const double widest = std::max({-x.least, x.most, -other.least, other.most});
    x.least = -widest;
    x.most = widest;
    x.sources.insert(x.sources.end(), other.sources.begin(), other.sources.end());
    x.operators += (x.operators.empty() ? "" : " ") + op;
    x.is_probability = false;
  }

  void move_if_same_shape(Loose& x) {
    const Dims dims = x.dims;
    apply(x, "Identity", {}, {}, dims, [](const RealTensor& v) { return v; });
  }

  void add_float_step() {
    Loose x = loose(any());
    const uint32_t count = 1 + choose_(3);
    for (uint32_t i = 0; i < count; ++i) {
      switch (choose_(5)) {
        case 0:
          compute(x);
          break;
        case 1:
          join(x, choose_(2) == 0);
          break;
        default:
          move(x);
      }
      if (count_of(x.dims) > 4096) break;
    }
    const bool same = choose_(4) == 0 && x.sources.size() == 1;
    const auto source = std::find_if(known_.begin(), known_.end(),
                                     [&](const Known& k) { return k.real == x.sources[0]; });
    const ByteScale scale =
        same && source != known_.end() ? source->scale : draw_scale(x.least, x.most);
    quantize(x, scale);
  }

  // Steps on bytes.

  void add_byte_step() {
    const Known from = any();
    const ByteScale q = from.scale;
    // Applies a function to the numbers of the bytes, which are whole numbers, but in float need
    // not be.
    const auto on_numbers = [q](const Apply& function) {
      return [q, function](const std::vector<RealTensor>& v) {
        const auto zero_point = static_cast<double>(q.zero_point);
        RealTensor numbers =
            mapped(v[0], [&](double real) { return real / double{q.scale} + zero_point; });
        return mapped(function(numbers),
                      [&](double n) { return double{q.scale} * (n - zero_point); });
      };
    };
    const std::string bytes = fresh("moved");
    const auto finish = [&](const std::string& op, const std::vector<std::string>& inputs,
                            const OnnxAttributes& attributes, const Dims& dims,
                            const Apply& function) {
      graph_.file.node(op, inputs, {bytes}, attributes);
      add_scale_constants(bytes, q);
      dequantize(bytes, bytes, {from.real}, dims, q, op + " of bytes", on_numbers(function));
    };
    const auto byte_constant = [&](int64_t value) {
      const std::string name = fresh("byte");
      graph_.file.constant(name, {}, type_of(q), raw_bytes({value}));
      return name;
    };
    const int64_t bound = q.low() + choose_(256);
    switch (choose_(7)) {
      case 0:
        return finish(
            "Max", {from.bytes, byte_constant(bound)}, {}, from.dims, [=](const RealTensor& x) {
              return mapped(x, [=](double n) { return std::max(n, static_cast<double>(bound)); });
            });
      case 1:
        return finish(
            "Min", {byte_constant(bound), from.bytes}, {}, from.dims, [=](const RealTensor& x) {
              return mapped(x, [=](double n) { return std::min(n, static_cast<double>(bound)); });
            });
      case 2: {
        const int64_t high = std::max(bound, q.low() + choose_(256));
        return finish("Clip", {from.bytes, byte_constant(bound), byte_constant(high)}, {},
                      from.dims, [=](const RealTensor& x) {
                        return mapped(x, [=](double n) {
                          return std::clamp(n, static_cast<double>(bound),
                                            static_cast<double>(high));
                        });
                      });
      }
      case 3:
        // ONNX's Relu takes only signed bytes.
        return finish(
            q.is_signed ? "Relu" : "Max",
            q.is_signed ? std::vector{from.bytes} : std::vector{from.bytes, byte_constant(0)}, {},
            from.dims, [](const RealTensor& x) {
              return mapped(x, [](double n) { return std::max(n, 0.0); });
            });
      case 4: {  // takes the number of the byte, without its scale
        const std::string numbers = fresh("numbers");
        graph_.file.node("Cast", {from.bytes}, {numbers}, {{"to", int64_t{1}}});
        const auto factor = static_cast<float>(0.01 + 0.1 * unit());
        Loose x{.name = numbers,
                .dims = from.dims,
                .sources = {from.real},
                .evaluate =
                    [q](const std::vector<RealTensor>& v) {
                      return mapped(v[0], [&](double real) {
                        return real / double{q.scale} + static_cast<double>(q.zero_point);
                      });
                    },
                .least = -128.0 * factor,
                .most = 255.0 * factor,
                .operators = "Cast of bytes"};
        apply(x, "Mul", {floats({}, {factor})}, {}, x.dims, [=](const RealTensor& v) {
          return mapped(v, [=](double n) { return n * double{factor}; });
        });
        return quantize(x, draw_scale(x.least, x.most));
      }
      case 5: {  // a pad without a value adds byte 0
        if (from.dims.size() != 4) return;
        const Dims before = {0, 0, choose_(2), choose_(2)};
        const Dims after = {0, choose_(2), choose_(2), choose_(2)};
        Dims to = from.dims;
        for (std::size_t i = 0; i < 4; ++i) to[i] += before[i] + after[i];
        std::vector<std::string> inputs = {
            from.bytes, integers({0, 0, before[2], before[3], 0, after[1], after[2], after[3]})};
        int64_t value = 0;
        if (choose_(2) == 0) inputs.push_back(byte_constant(value = bound));
        return finish("Pad", inputs, {}, to, [=](const RealTensor& x) {
          return padded(x, before, after, PadMode::constant, static_cast<double>(value));
        });
      }
      default:
        return move(from.dims,
                    [&](const std::string& op, const std::vector<std::string>& constants,
                        const OnnxAttributes& attributes, const Dims& dims, const Apply& function) {
                      std::vector<std::string> inputs = {from.bytes};
                      inputs.insert(inputs.end(), constants.begin(), constants.end());
                      finish(op, inputs, attributes, dims, function);
                    });
    }
  }

  const Choose& choose_;
  QdqGraph graph_;
  std::vector<Known> known_;
  bool input_in_bytes_ = false;
  int names_ = 0;
};

}  // namespace

double ByteScale::rounded(double real) const {
  const double byte = std::nearbyint(real / double{scale}) + static_cast<double>(zero_point);
  const auto least_byte = static_cast<double>(low());
  return double{scale} *
         (std::clamp(byte, least_byte, least_byte + 255) - static_cast<double>(zero_point));
}

std::string QdqGraph::description() const {
  std::ostringstream out;
  out << "input [";
  for (const int64_t extent : input_dims) out << " " << extent;
  out << " ]\n";
  for (const QdqStep& step : steps) {
    out << step.output << " = " << step.operators << " of";
    for (const std::string& input : step.inputs) out << " " << input;
    out << ", " << (step.scale.is_signed ? "s8 " : "u8 ") << step.scale.scale << ", "
        << step.scale.zero_point << "\n";
  }
  return out.str();
}

QdqGraph draw_qdq_graph(const Choose& choose) { return Generator(choose).draw(); }

std::string differences(const QdqGraph& graph, const std::map<std::string, RealTensor>& got,
                        bool in_float) {
  std::ostringstream out;
  for (const QdqStep& step : graph.steps) {
    std::vector<RealTensor> inputs;
    for (const std::string& name : step.inputs) {
      inputs.push_back(name == graph.input
                           ? RealTensor{.dims = graph.input_dims, .values = graph.values}
                           : got.at(name));
    }
    const RealTensor expected = step.evaluate(inputs);
    const RealTensor& actual = got.at(step.output);
    if (expected.values.size() != actual.values.size() || expected.dims != actual.dims) {
      out << step.output << ": another shape\n";
      continue;
    }
    const double widest = std::max(std::abs(step.scale.least()), std::abs(step.scale.most()));
    const bool may_round = !in_float || step.is_probability;
    const double allowed = (may_round ? 1.001 * double{step.scale.scale} : 0) + 2e-5 * widest;
    for (std::size_t i = 0; i < actual.values.size(); ++i) {
      const double want =
          in_float ? std::clamp(expected.values[i], step.scale.least(), step.scale.most())
                   : step.scale.rounded(expected.values[i]);
      if (std::abs(actual.values[i] - want) <= allowed) continue;
      out << step.output << "[" << i << "] (" << step.operators << ") is " << actual.values[i]
          << ", not " << want << "\n";
      break;
    }
  }
  return out.str();
}

}  // namespace octet::test
