// oneDNN's int8 primitives with the model's layers, weights and scales.
//
// oneDNN runs as fast as it can be asked to: memory formats are its own choice, batch norms are
// folded (they are in octet's model), activations and residual adds are post-operations of the
// convolution, and conversions stand only at the two ends. Where octet has u8 with a zero point,
// oneDNN gets s8 and no zero point, since zero points cost it time. So its rounding differs from
// octet's, and outputs are compared by their cosine, not byte by byte.
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <dnnl.hpp>
#include <map>
#include <unordered_map>

#include "engine/model_data.h"
#include "engine/operator_table.h"
#include "tools/octet/against/dequantized.h"
#include "tools/octet/against/opponent.h"

namespace octet::tool {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using DataType = memory::data_type;
using Format = memory::format_tag;

memory::dims dims_of(const Shape& shape) {
  if (shape.size() == 4) return {shape[0], shape[3], shape[1], shape[2]};  // oneDNN says N, C, H, W
  return {shape.begin(), shape.end()};
}

Format plain_format(std::size_t rank) {
  switch (rank) {
    case 1:
      return Format::a;
    case 2:
      return Format::ab;
    case 3:
      return Format::abc;
    case 4:
      return Format::acdb;  // N, H, W, C in memory
    default:
      return Format::undef;
  }
}

/// A value as oneDNN has it: real = scale * q.
struct Value {
  DataType type = DataType::f32;
  float scale = 1;
  memory data;
  bool known = false;
};

/// Memory for activations. It is used again when its tensor has been read for the last time, since
/// much depends on what stays in the caches.
class ActivationPool {
 public:
  explicit ActivationPool(const dnnl::engine& engine) : engine_(engine) {}

  memory allocate(const memory::desc& layout) {
    const std::size_t size = layout.get_size();
    auto best = free_.end();
    for (auto block = free_.begin(); block != free_.end(); ++block) {
      const bool fits = block->second >= size;
      if (fits && (best == free_.end() || block->second < best->second)) best = block;
    }
    if (best == free_.end()) {
      blocks_.emplace_back(memory::desc({static_cast<memory::dim>(size)}, DataType::u8, Format::a),
                           engine_);
      void* data = blocks_.back().get_data_handle();
      sizes_[data] = size;
      return memory(layout, engine_, data);
    }
    void* data = best->first;
    free_.erase(best);
    return memory(layout, engine_, data);
  }

  /// Counts one more tensor in its memory.
  void hold(const memory& tensor) { ++holders_[tensor.get_data_handle()]; }
  /// Counts one tensor less. With the last, the memory becomes free.
  void release(const memory& tensor) {
    void* data = tensor.get_data_handle();
    if (sizes_.contains(data) && --holders_[data] == 0) free_.emplace_back(data, sizes_[data]);
  }

 private:
  const dnnl::engine& engine_;
  std::vector<memory> blocks_;
  std::map<void*, std::size_t> sizes_;
  std::map<void*, int> holders_;
  std::vector<std::pair<void*, std::size_t>> free_;
};

struct Primitive {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
};

class OnednnOpponent final : public Opponent {
 public:
  static OpponentResult make(const Challenge& challenge) {
    omp_set_num_threads(challenge.threads);  // primitives are planned for this many threads
    auto opponent = std::unique_ptr<OnednnOpponent>(new OnednnOpponent(challenge));
    try {
      if (auto ok = opponent->build(); !ok) return tl::unexpected(ok.error());
    } catch (const dnnl::error& error) {
      return fail("oneDNN: node '" + opponent->building_ + "': " + error.what());
    }
    return opponent;
  }

  Expected<void> run() override {
    omp_set_num_threads(threads_);
    for (const Primitive& step : steps_) step.primitive.execute(stream_, step.arguments);
    stream_.wait();
    return {};
  }

  Expected<std::vector<std::vector<float>>> outputs() override {
    std::vector<std::vector<float>> all;
    for (const memory& output : outputs_) {
      const auto* from = static_cast<const float*>(output.get_data_handle());
      all.emplace_back(from, from + output.get_desc().get_size() / sizeof(float));
    }
    return all;
  }

 private:
  explicit OnednnOpponent(const Challenge& challenge)
      : model_(challenge.model.data()),
        inputs_(challenge.inputs),
        threads_(challenge.threads),
        engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        pool_(engine_),
        values_(model_.tensors.size()) {}

  Value& value(int32_t id) { return values_[static_cast<std::size_t>(id)]; }

  void set(int32_t id, const memory& data) {
    value(id).data = data;
    value(id).known = true;
    pool_.hold(data);
  }

  /// Releases the tensors that node `index` was the last to read.
  void release_read(std::size_t index) {
    std::vector<int32_t> ids = model_.nodes[index].inputs;
    std::ranges::sort(ids);
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    for (const int32_t id : ids) {
      if (value(id).known && !read_after(id, index)) pool_.release(value(id).data);
    }
  }

  /// Whether a tensor is still read after node `index`.
  bool read_after(int32_t id, std::size_t index) const {
    if (std::ranges::count(model_.outputs, id) > 0) return true;
    for (std::size_t i = index + 1; i < model_.nodes.size(); ++i) {
      if (std::ranges::count(model_.nodes[i].inputs, id) > 0) return true;
    }
    return false;
  }

  /// Sets type and scale of a tensor: u8 where its zero point is 0, else s8 with a scale that
  /// covers the same range.
  void set_quantization(int32_t id) {
    const TensorRecord& tensor = model_.tensor(id);
    Value& v = value(id);
    if (tensor.info.type != Type::u8) return;
    const ScaleOfAll all = scale_of_all(tensor);
    if (all.zero_point == 0) {
      v.type = DataType::u8;
      v.scale = all.scale;
    } else {
      v.type = DataType::s8;
      const int32_t reach = std::max(all.zero_point, 255 - all.zero_point);
      v.scale = all.scale * static_cast<float>(reach) / 127.0F;
    }
  }

  void add_step(dnnl::primitive primitive, std::unordered_map<int, memory> arguments) {
    steps_.push_back({std::move(primitive), std::move(arguments)});
  }

  /// Returns the tensor in the wanted layout, through a reorder where it has another one.
  memory in_layout(int32_t id, const memory::desc& wanted) {
    const memory& have = value(id).data;
    if (have.get_desc() == wanted) return have;
    memory converted(wanted, engine_);
    add_step(dnnl::reorder(have, converted), {{DNNL_ARG_FROM, have}, {DNNL_ARG_TO, converted}});
    return converted;
  }

  Expected<void> build() {
    for (std::size_t id = 0; id < model_.tensors.size(); ++id) {
      set_quantization(static_cast<int32_t>(id));
    }
    for (std::size_t i = 0; i < model_.inputs.size(); ++i) add_input(i);
    for (std::size_t i = 0; i < model_.nodes.size(); ++i) {
      building_ = model_.nodes[i].name;
      if (auto ok = add_node(i); !ok) return ok;
      release_read(i);
    }
    for (const int32_t id : model_.outputs) {
      building_ = model_.tensor(id).info.name;
      add_output(id);
    }
    return {};
  }

  // A float image in N, C, H, W, as frameworks hand it over; the first layer chooses what it
  // becomes.
  void add_input(std::size_t index) {
    const int32_t id = model_.inputs[index];
    const Shape& shape = model_.tensor(id).info.shape;
    const auto rank = shape.size();
    const memory::desc layout(dims_of(shape), DataType::f32,
                              rank == 4 ? Format::abcd : plain_format(rank));
    memory input(layout, engine_);
    const memory::desc nhwc(dims_of(shape), DataType::f32, plain_format(rank));
    memory from(nhwc, engine_, const_cast<float*>(inputs_[index].data()));
    dnnl::reorder(from, input).execute(stream_, from, input);
    stream_.wait();
    value(id).data = input;
    value(id).known = true;
  }

  Expected<void> add_node(std::size_t index) {
    const NodeRecord& node = model_.nodes[index];
    if (const auto* layer = std::get_if<ConvAttributes>(&node.attributes);
        layer != nullptr && layer->function.form != kernels::FunctionForm::none)
      return fail("oneDNN: node '" + node.name + "' has a " + op_name(layer->function.function) +
                  " inside, which has no counterpart here");
    switch (kind_of(node.op)) {
      case Kind::quantize:
      case Kind::requantize:
      case Kind::dequantize:
        add_conversion(node);
        return {};
      case Kind::conv2d:
        add_conv(node, index);
        return {};
      case Kind::linear:
        add_linear(node);
        return {};
      case Kind::max_pool:
      case Kind::average_pool:
        add_pool(node);
        return {};
      case Kind::arithmetic:
        if (node.op != Op::add) break;
        add_sum(node);
        return {};
      case Kind::concat:
        add_concat(node);
        return {};
      case Kind::reshape:
        add_reshape(node);
        return {};
      case Kind::softmax:
        add_softmax(node);
        return {};
      case Kind::log_softmax:
      case Kind::argmax:
      case Kind::slice:
      case Kind::pad:
      case Kind::transpose:
      case Kind::resize:
      case Kind::clip:
      case Kind::lookup:
      case Kind::mean:
      case Kind::batch_norm:
      case Kind::prelu:
      case Kind::function:
      case Kind::cast:
      case Kind::gather_nd:
      case Kind::top_k:
      case Kind::identity:
        break;
    }
    return fail("oneDNN: node '" + node.name + "' (" + op_name(node.op) +
                ") has no counterpart here");
  }

  // A quantized input waits for its layer, which chooses the layout.
  void add_conversion(const NodeRecord& node) {
    const Value from = value(node.inputs[0]);
    Value& to = value(node.output());
    if (node.op == Op::quantize && std::ranges::count(model_.inputs, node.inputs[0]) > 0) {
      to.data = from.data;
      return;
    }
    const TensorRecord& y = model_.tensor(node.output());
    const memory::desc layout(dims_of(y.info.shape), to.type, plain_format(y.info.shape.size()));
    set(node.output(), pool_.allocate(layout));
    add_reorder(from.data, to.data, from.scale / to.scale);
  }

  void add_reorder(const memory& from, const memory& to, float scale) {
    dnnl::primitive_attr attributes;
    if (scale != 1.0F) attributes.set_output_scales(0, {scale});
    add_step(dnnl::reorder(dnnl::reorder::primitive_desc(from, to, attributes)),
             {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
  }

  /// Returns the operand in the layout that the layer chose. An input is converted from float here.
  memory operand(int32_t id, const memory::desc& wanted) {
    Value& v = value(id);
    if (v.known) return in_layout(id, wanted);
    const memory converted = pool_.allocate(wanted);
    add_reorder(v.data, converted, 1.0F / v.scale);
    set(id, converted);
    return converted;
  }

  /// The layer chooses, whatever layout the tensor has: a reorder before it may pay.
  memory::desc input_layout(int32_t id) {
    return {dims_of(model_.tensor(id).info.shape), value(id).type, Format::any};
  }

  static void append_bounds(const Bounds& bounds, bool saturates, dnnl::post_ops& post) {
    if (!bounds.bounded() || saturates) return;
    if (bounds.min == 0 && !std::isfinite(bounds.max)) {
      post.append_eltwise(1.0F, algorithm::eltwise_relu, 0.0F, 0.0F);
    } else {
      post.append_eltwise(1.0F, algorithm::eltwise_clip, std::max(bounds.min, -1e30F),
                          std::min(bounds.max, 1e30F));
    }
  }

  struct LayerWeights {
    std::vector<float> scales;  ///< For each channel, to the output.
    memory bias;
    memory weights;  ///< Weights in the model's own order.
  };

  LayerWeights layer_weights(const NodeRecord& node, const memory::dims& dims, Format format) {
    const float input_scale = value(node.inputs[0]).scale;
    // The bias is in units of the input's scale, which may be another one here.
    layers_.push_back(layer_at(model_, node, input_scale));
    QuantizedLayer& layer = layers_.back();
    const auto channels = static_cast<memory::dim>(layer.scales.size());
    LayerWeights out;
    out.bias = memory({{channels}, DataType::s32, Format::a}, engine_);
    std::ranges::copy(layer.bias, static_cast<int32_t*>(out.bias.get_data_handle()));
    for (const float scale : layer.scales)
      out.scales.push_back(input_scale * scale / value(node.output()).scale);
    out.weights = memory({dims, DataType::s8, format}, engine_, layer.weights.data());
    return out;
  }

  memory packed(memory weights, const memory::desc& wanted) {
    memory out(wanted, engine_);
    dnnl::reorder(weights, out).execute(stream_, weights, out);
    stream_.wait();
    return out;
  }

  void add_conv(const NodeRecord& node, std::size_t index) {
    const auto& a = std::get<ConvAttributes>(node.attributes);
    const Window& w = a.window;
    const Shape& x = model_.tensor(node.inputs[0]).info.shape;
    const Shape& y = model_.tensor(node.output()).info.shape;
    const bool grouped = a.groups > 1;
    const memory::dim groups = a.groups;
    const memory::dims weight_dims =
        grouped ? memory::dims{groups, y[3] / groups, x[3] / groups, w.kernel_h, w.kernel_w}
                : memory::dims{y[3], x[3], w.kernel_h, w.kernel_w};
    const LayerWeights layer =
        layer_weights(node, weight_dims, grouped ? Format::abdec : Format::acdb);

    dnnl::primitive_attr attributes;
    attributes.set_output_scales(1 << 1, layer.scales);
    dnnl::post_ops post;
    Value& output = value(node.output());
    memory::desc output_layout(dims_of(y), output.type, Format::any);
    memory sum;
    if (a.has_residual) {
      // The sum is written over the residual, so a residual that is read again is copied first.
      const int32_t id = node.inputs.back();
      sum = value(id).data;
      if (read_after(id, index)) {
        memory copy(sum.get_desc(), engine_);
        add_step(dnnl::reorder(sum, copy), {{DNNL_ARG_FROM, sum}, {DNNL_ARG_TO, copy}});
        sum = copy;
      }
      append_bounds(a.inner_bounds, false, post);
      post.append_sum(value(id).scale / output.scale, 0, value(id).type);
      output_layout = sum.get_desc();
      output_layout.data.data_type = memory::convert_to_c(output.type);
    }
    append_bounds(a.bounds, output.type == DataType::u8, post);
    attributes.set_post_ops(post);

    const memory::dims strides{w.stride_h, w.stride_w};
    const memory::dims dilates{w.dilation_h - 1, w.dilation_w - 1};
    const memory::dims before{w.pad_top, w.pad_left};
    const memory::dims after{w.pad_bottom, w.pad_right};
    const memory::desc any_weights(weight_dims, DataType::s8, Format::any);
    const dnnl::convolution_forward::primitive_desc primitive(
        {dnnl::prop_kind::forward_inference, algorithm::convolution_direct,
         input_layout(node.inputs[0]), any_weights, layer.bias.get_desc(), output_layout, strides,
         dilates, before, after},
        attributes, engine_);
    const memory source = operand(node.inputs[0], primitive.src_desc());
    const memory weights = packed(layer.weights, primitive.weights_desc());
    set(node.output(), a.has_residual ? memory(primitive.dst_desc(), engine_, sum.get_data_handle())
                                      : pool_.allocate(primitive.dst_desc()));
    if (a.has_residual) kept_.push_back(sum);
    add_step(dnnl::convolution_forward(primitive), {{DNNL_ARG_SRC, source},
                                                    {DNNL_ARG_WEIGHTS, weights},
                                                    {DNNL_ARG_BIAS, layer.bias},
                                                    {DNNL_ARG_DST, output.data}});
  }

  void add_linear(const NodeRecord& node) {
    const auto& a = std::get<ConvAttributes>(node.attributes);
    const Shape& x = model_.tensor(node.inputs[0]).info.shape;
    const Shape& y = model_.tensor(node.output()).info.shape;
    const memory::dim rows = element_count(x) / x.back();
    const LayerWeights layer = layer_weights(node, {y.back(), x.back()}, Format::ab);
    dnnl::primitive_attr attributes;
    attributes.set_output_scales(1 << 1, layer.scales);
    dnnl::post_ops post;
    append_bounds(a.bounds, value(node.output()).type == DataType::u8, post);
    attributes.set_post_ops(post);
    Value& output = value(node.output());
    const dnnl::inner_product_forward::primitive_desc primitive(
        {dnnl::prop_kind::forward_inference,
         {{rows, x.back()}, value(node.inputs[0]).type, Format::ab},
         {{y.back(), x.back()}, DataType::s8, Format::any},
         layer.bias.get_desc(),
         {{rows, y.back()}, output.type, Format::ab}},
        attributes, engine_);
    const memory source = operand(node.inputs[0], primitive.src_desc());
    const memory weights = packed(layer.weights, primitive.weights_desc());
    set(node.output(), pool_.allocate(primitive.dst_desc()));
    add_step(dnnl::inner_product_forward(primitive), {{DNNL_ARG_SRC, source},
                                                      {DNNL_ARG_WEIGHTS, weights},
                                                      {DNNL_ARG_BIAS, layer.bias},
                                                      {DNNL_ARG_DST, output.data}});
  }

  void add_pool(const NodeRecord& node) {
    const auto& a = std::get<PoolAttributes>(node.attributes);
    const Window& w = a.window;
    const Shape& x = model_.tensor(node.inputs[0]).info.shape;
    const Shape& y = model_.tensor(node.output()).info.shape;
    Value& output = value(node.output());
    const Value& input = value(node.inputs[0]);
    // The output has the input's scale: in octet's model, too, for a maximum; for a mean, the nodes
    // that read it take this scale.
    output.type = input.type;
    output.scale = input.scale;
    const algorithm kind = node.op == Op::max_pool ? algorithm::pooling_max
                           : a.count_include_pad   ? algorithm::pooling_avg_include_padding
                                                   : algorithm::pooling_avg_exclude_padding;
    const auto missing = [](int32_t out, int32_t stride, int32_t kernel, int32_t in, int32_t pad) {
      return (out - 1) * stride + kernel - in - pad;
    };
    const dnnl::pooling_forward::primitive_desc primitive(
        {dnnl::prop_kind::forward_inference,
         kind,
         input.data.get_desc(),
         {dims_of(y), output.type, Format::any},
         {w.stride_h, w.stride_w},
         {w.kernel_h, w.kernel_w},
         {w.pad_top, w.pad_left},
         {missing(y[1], w.stride_h, w.kernel_h, x[1], w.pad_top),
          missing(y[2], w.stride_w, w.kernel_w, x[2], w.pad_left)}},
        engine_);
    const memory source = operand(node.inputs[0], primitive.src_desc());
    set(node.output(), pool_.allocate(primitive.dst_desc()));
    add_step(dnnl::pooling_forward(primitive),
             {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, output.data}});
  }

  void add_sum(const NodeRecord& node) {
    const auto& a = std::get<BinaryAttributes>(node.attributes);
    Value& output = value(node.output());
    const Value& first = value(node.inputs[0]);
    const Value& second = value(node.inputs[1]);
    dnnl::primitive_attr attributes;
    attributes.set_scales(DNNL_ARG_SRC_0, 0, {first.scale / output.scale});
    attributes.set_scales(DNNL_ARG_SRC_1, 0, {second.scale / output.scale});
    dnnl::post_ops post;
    append_bounds(a.bounds, output.type == DataType::u8, post);
    attributes.set_post_ops(post);
    memory::desc layout = first.data.get_desc();
    layout.data.data_type = memory::convert_to_c(output.type);
    const dnnl::binary::primitive_desc primitive(
        {algorithm::binary_add, first.data.get_desc(), second.data.get_desc(), layout}, attributes,
        engine_);
    set(node.output(), pool_.allocate(primitive.dst_desc()));
    add_step(
        dnnl::binary(primitive),
        {{DNNL_ARG_SRC_0, first.data}, {DNNL_ARG_SRC_1, second.data}, {DNNL_ARG_DST, output.data}});
  }

  void add_concat(const NodeRecord& node) {
    const Shape& y = model_.tensor(node.output()).info.shape;
    const int32_t axis = std::get<AxisAttributes>(node.attributes).axis;
    // octet's axes N, H, W, C are oneDNN's axes N, C, H, W.
    const int32_t order[] = {0, 2, 3, 1};
    const int32_t logical = y.size() == 4 ? order[axis] : axis;
    std::vector<memory::desc> sources;
    std::unordered_map<int, memory> arguments;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const Shape& shape = model_.tensor(node.inputs[i]).info.shape;
      const memory::desc plain(dims_of(shape), value(node.inputs[i]).type,
                               plain_format(shape.size()));
      sources.push_back(plain);
      arguments[DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i)] = in_layout(node.inputs[i], plain);
    }
    Value& output = value(node.output());
    const memory::desc layout(dims_of(y), output.type, plain_format(y.size()));
    const dnnl::concat::primitive_desc primitive(layout, logical, sources, engine_);
    set(node.output(), pool_.allocate(layout));
    arguments[DNNL_ARG_DST] = output.data;
    add_step(dnnl::concat(primitive), std::move(arguments));
  }

  // The same bytes under another shape.
  void add_reshape(const NodeRecord& node) {
    const Shape& x = model_.tensor(node.inputs[0]).info.shape;
    const Shape& y = model_.tensor(node.output()).info.shape;
    const Value& input = value(node.inputs[0]);
    const memory plain =
        in_layout(node.inputs[0], {dims_of(x), input.type, plain_format(x.size())});
    Value& output = value(node.output());
    output.type = input.type;
    output.scale = input.scale;
    set(node.output(), memory({dims_of(y), output.type, plain_format(y.size())}, engine_,
                              plain.get_data_handle()));
    kept_.push_back(plain);
  }

  void add_softmax(const NodeRecord& node) {
    const Shape& y = model_.tensor(node.output()).info.shape;
    const Value& input = value(node.inputs[0]);
    const int32_t axis = std::get<AxisAttributes>(node.attributes).axis;
    const memory source =
        in_layout(node.inputs[0], {dims_of(y), input.type, plain_format(y.size())});
    const dnnl::softmax_forward::primitive_desc primitive(
        {dnnl::prop_kind::forward_inference, source.get_desc(), axis}, engine_);
    Value& output = value(node.output());
    set(node.output(), pool_.allocate(primitive.dst_desc()));
    add_step(dnnl::softmax_forward(primitive),
             {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, output.data}});
  }

  void add_output(int32_t id) {
    const Shape& shape = model_.tensor(id).info.shape;
    const Value& v = value(id);
    const memory::desc plain(dims_of(shape), DataType::f32, plain_format(shape.size()));
    if (v.data.get_desc() == plain) {
      outputs_.push_back(v.data);
      return;
    }
    memory converted(plain, engine_);
    add_reorder(v.data, converted, v.scale);
    outputs_.push_back(converted);
  }

  const Model::Data& model_;
  const std::vector<std::vector<float>>& inputs_;
  int threads_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  ActivationPool pool_;
  std::vector<Value> values_;
  std::deque<QuantizedLayer> layers_;  ///< Their weights stay where they are.
  std::vector<Primitive> steps_;
  std::vector<memory> outputs_;
  std::vector<memory> kept_;  ///< Memory that other tensors use with another shape or type.
  std::string building_;
};

}  // namespace

OpponentResult make_onednn_opponent(const Challenge& challenge) {
  if (!challenge.model.has_int8()) {
    return fail(challenge.model.path() +
                ": oneDNN is measured on int8 models, and all of this one is in float");
  }
  // oneDNN can be limited to an instruction set only before its first use. "all" is for octet's
  // best.
  const dnnl::cpu_isa isa = challenge.isa == "avx2"         ? dnnl::cpu_isa::avx2
                            : challenge.isa == "avxvnni"    ? dnnl::cpu_isa::avx2_vnni
                            : challenge.isa == "avx512vnni" ? dnnl::cpu_isa::avx512_core_vnni
                                                            : dnnl::cpu_isa::all;
  if (dnnl::set_max_cpu_isa(isa) != dnnl::status::success) {
    return fail("oneDNN: its instruction set cannot be changed any more in this process");
  }
  return OnednnOpponent::make(challenge);
}

}  // namespace octet::tool
