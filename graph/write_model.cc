#include <algorithm>
#include <map>

#include "engine/checksum.h"
#include "engine/format/octet_generated.h"
#include "engine/format_version.h"
#include "graph/graph.h"

namespace octet::graph {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;
template <class T>
using OffsetVector = Offset<flatbuffers::Vector<T>>;

// Numbers the tensors that are used, in the order of their first use. Only these are written.
class TensorNumbers {
 public:
  int32_t of(TensorId id) {
    const auto [entry, is_new] = numbers_.try_emplace(id, static_cast<int32_t>(order_.size()));
    if (is_new) order_.push_back(id);
    return entry->second;
  }
  const std::vector<TensorId>& order() const { return order_; }

 private:
  std::map<TensorId, int32_t> numbers_;
  std::vector<TensorId> order_;
};

// Whether it is an activation with a scale for each channel.
bool has_scales_of_channels(const Tensor& tensor) {
  return tensor.type == Type::u8 && !tensor.channel_scales.empty();
}

Offset<format::Tensor> write_tensor(FlatBufferBuilder& builder, const Tensor& tensor) {
  OffsetVector<uint8_t> data;
  if (tensor.data) {
    builder.ForceVectorAlignment(tensor.data->size(), sizeof(uint8_t), 64);
    data = builder.CreateVector(reinterpret_cast<const uint8_t*>(tensor.data->data()),
                                tensor.data->size());
  }
  OffsetVector<float> scales;
  if (!tensor.channel_scales.empty()) scales = builder.CreateVector(tensor.channel_scales);
  OffsetVector<int32_t> zero_points;
  const bool by_channel = has_scales_of_channels(tensor);
  if (by_channel ||
      std::ranges::any_of(tensor.channel_zero_points, [](int32_t z) { return z != 0; })) {
    zero_points = builder.CreateVector(tensor.channel_zero_points);
  }
  const auto name = builder.CreateString(tensor.name);
  const auto shape = builder.CreateVector(tensor.shape);
  format::TensorBuilder out(builder);
  out.add_name(name);
  out.add_type(static_cast<format::Type>(tensor.type));
  out.add_shape(shape);
  if (tensor.type == Type::u8 && tensor.quantization && !by_channel) {
    out.add_scale(tensor.quantization->scale);
    out.add_zero_point(tensor.quantization->zero_point);
  }
  if (!scales.IsNull()) out.add_channel_scales(scales);
  if (!zero_points.IsNull()) out.add_channel_zero_points(zero_points);
  if (!data.IsNull()) out.add_data(data);
  return out.Finish();
}

// The fields of the attributes table. They are gathered before the table is begun, because
// FlatBuffers cannot nest.
struct AttributeFields {
  std::optional<format::Window> window;
  int32_t groups = 1;
  Bounds bounds;
  bool has_bias = false;
  bool has_residual = false;
  Bounds inner_bounds;
  bool count_include_pad = false;
  bool ceil_mode = false;
  int32_t axis = 0;
  bool keepdims = false;
  std::vector<int32_t> axes, begin, end, step, shape;
  float value = 0;
  bool bilinear = false;
  bool align_corners = false;
  std::string function;
  bool from_end = false;
  int32_t k = 1;
  bool largest = true;
  format::FunctionForm form = format::FunctionForm::none;
  bool takes_residual = false;
  format::Symmetry symmetry = format::Symmetry::none;
  std::vector<float> numbers;

  void operator()(const NoAttributes&) {}
  void operator()(const ConvAttributes& a) {
    set_window(a.window);
    groups = a.groups;
    bounds = a.bounds;
    has_bias = a.has_bias;
    has_residual = a.has_residual;
    inner_bounds = a.inner_bounds;
    form = static_cast<format::FunctionForm>(a.function.form);
    if (a.function.function != Op::identity) function = op_name(a.function.function);
    value = a.function.value;
    takes_residual = a.function.takes_residual;
    symmetry = static_cast<format::Symmetry>(a.function.symmetry);
    numbers = a.function.numbers;
  }
  void operator()(const BinaryAttributes& a) { bounds = a.bounds; }
  void operator()(const PoolAttributes& a) {
    set_window(a.window);
    count_include_pad = a.count_include_pad;
    ceil_mode = a.ceil_mode;
    bounds = a.bounds;
  }
  void operator()(const AxisAttributes& a) {
    axis = a.axis;
    keepdims = a.keepdims;
    k = a.k;
    largest = a.largest;
  }
  void operator()(const SliceAttributes& a) { begin = a.begin, end = a.count, step = a.stride; }
  void operator()(const PadAttributes& a) { begin = a.before, end = a.after, value = a.value; }
  void operator()(const ReshapeAttributes& a) { shape = a.shape; }
  void operator()(const TransposeAttributes& a) { shape = a.permutation; }
  void operator()(const ResizeAttributes& a) {
    shape = {a.output_h, a.output_w};
    bilinear = a.mode == ResizeMode::bilinear;
    align_corners = a.align_corners;
  }
  void operator()(const ClipAttributes& a) { bounds = a.bounds; }
  void operator()(const MeanAttributes& a) { axes = a.axes, keepdims = a.keepdims; }
  void operator()(const ScalarAttributes& a) { value = a.value; }
  void operator()(const LookupAttributes& a) {
    if (a.function != Op::identity) function = op_name(a.function);
    value = a.value;
  }
  void operator()(const GatherAttributes& a) { from_end = a.from_end; }
  void operator()(const QuantizeAttributes& a) { numbers = a.means; }

 private:
  void set_window(const Window& w) {
    window.emplace(w.kernel_h, w.kernel_w, w.stride_h, w.stride_w, w.dilation_h, w.dilation_w,
                   w.pad_top, w.pad_left, w.pad_bottom, w.pad_right);
  }
};

Offset<format::Attributes> write_attributes(FlatBufferBuilder& builder,
                                            const Attributes& attributes) {
  AttributeFields f;
  std::visit([&](const auto& a) { f(a); }, attributes);
  const auto vector = [&]<class T>(const std::vector<T>& v) {
    return v.empty() ? OffsetVector<T>{} : builder.CreateVector(v);
  };
  const auto axes = vector(f.axes), begin = vector(f.begin), end = vector(f.end),
             step = vector(f.step), shape = vector(f.shape);
  const auto numbers = vector(f.numbers);
  const auto function =
      f.function.empty() ? Offset<flatbuffers::String>{} : builder.CreateString(f.function);
  format::AttributesBuilder out(builder);
  if (f.window) out.add_window(&*f.window);
  out.add_groups(f.groups);
  if (f.bounds.bounded()) {
    out.add_bounded(true);
    out.add_bound_min(f.bounds.min);
    out.add_bound_max(f.bounds.max);
  }
  out.add_has_bias(f.has_bias);
  out.add_has_residual(f.has_residual);
  out.add_count_include_pad(f.count_include_pad);
  out.add_ceil_mode(f.ceil_mode);
  out.add_axis(f.axis);
  out.add_keepdims(f.keepdims);
  if (!axes.IsNull()) out.add_axes(axes);
  if (!begin.IsNull()) out.add_begin(begin);
  if (!end.IsNull()) out.add_end(end);
  if (!step.IsNull()) out.add_step(step);
  if (!shape.IsNull()) out.add_shape(shape);
  out.add_value(f.value);
  out.add_bilinear(f.bilinear);
  out.add_align_corners(f.align_corners);
  if (f.inner_bounds.bounded()) {
    out.add_inner_bounded(true);
    out.add_inner_min(f.inner_bounds.min);
    out.add_inner_max(f.inner_bounds.max);
  }
  if (!function.IsNull()) out.add_function(function);
  out.add_from_end(f.from_end);
  out.add_k(f.k);
  out.add_largest(f.largest);
  out.add_form(f.form);
  out.add_takes_residual(f.takes_residual);
  out.add_symmetry(f.symmetry);
  if (!numbers.IsNull()) out.add_numbers(numbers);
  return out.Finish();
}

Offset<format::Node> write_node(FlatBufferBuilder& builder, const Node& node,
                                TensorNumbers& numbers) {
  std::vector<int32_t> inputs;
  for (const TensorId id : node.inputs) inputs.push_back(numbers.of(id));
  const int32_t output = numbers.of(node.outputs[0]);
  std::vector<int32_t> more_outputs;
  for (std::size_t i = 1; i < node.outputs.size(); ++i)
    more_outputs.push_back(numbers.of(node.outputs[i]));
  const auto attributes = write_attributes(builder, node.attributes);
  std::vector<Offset<flatbuffers::String>> fused;
  for (const std::string& name : node.fused) fused.push_back(builder.CreateString(name));
  return format::CreateNodeDirect(builder, node.name.c_str(), op_name(node.op), attributes, &inputs,
                                  output, &fused, node.reason.c_str(),
                                  more_outputs.empty() ? nullptr : &more_outputs);
}

// Whether a kernel computes this float node, so that it needs no island.
bool has_float_kernel(const Graph& graph, const Node& node) {
  const auto rank = static_cast<int32_t>(graph.tensor(node.inputs[0]).shape.size());
  if (node.op == Op::softmax) return std::get<AxisAttributes>(node.attributes).axis == rank - 1;
  return (moves_bytes(node) && node.op != Op::max_pool) || node.op == Op::concat;
}

// Whether the node has whole numbers as operands or results. An island has only floats, except the
// indices of a top_k, which leave it.
bool touches_indices(const Graph& graph, const Node& node) {
  const auto is_index = [&](TensorId id) { return graph.tensor(id).type == Type::s32; };
  return is_index(node.outputs[0]) || std::ranges::any_of(node.inputs, is_index);
}

// Writes consecutive float nodes as one island, unless kernels can run all of them.
std::vector<Offset<format::Step>> write_steps(FlatBufferBuilder& builder, const Graph& graph,
                                              TensorNumbers& numbers) {
  std::vector<Offset<format::Step>> steps;
  const auto in_island = [&](const Node& node) {
    return node.precision == Precision::float32 && !touches_indices(graph, node);
  };
  std::size_t i = 0;
  while (i < graph.nodes.size()) {
    std::size_t end = i;
    bool kernels = true;
    while (end < graph.nodes.size() && in_island(graph.nodes[end])) {
      kernels = kernels && has_float_kernel(graph, graph.nodes[end]);
      ++end;
    }
    const bool island = end > i && !kernels;
    if (!island) end = i + 1;
    std::vector<Offset<format::Node>> nodes;
    for (; i < end; ++i) nodes.push_back(write_node(builder, graph.nodes[i], numbers));
    steps.push_back(format::CreateStepDirect(builder, &nodes, island));
  }
  return steps;
}

// The older of the two versions that are written, if its readers understand the file: see
// docs/format.md.
uint32_t version_of(const Graph& graph) {
  constexpr uint32_t older = 3;  // no functions inside layers, no scales of channels
  const bool has_function = std::ranges::any_of(graph.nodes, [](const Node& node) {
    const auto* layer = std::get_if<ConvAttributes>(&node.attributes);
    return layer != nullptr && layer->function.form != kernels::FunctionForm::none;
  });
  const bool is_new = has_function || std::ranges::any_of(graph.tensors, has_scales_of_channels);
  return is_new ? format_version : older;
}

Offset<format::Preprocess> write_preprocess(FlatBufferBuilder& builder, const Preprocess& p) {
  return format::CreatePreprocessDirect(builder, p.height, p.width,
                                        static_cast<format::ResizeRule>(p.resize),
                                        static_cast<format::Channels>(p.channels), &p.mean, &p.std);
}

Offset<format::Task> write_task(FlatBufferBuilder& builder, const Task& task) {
  std::vector<Offset<format::Sizes>> sizes;
  for (const auto& values : task.min_sizes)
    sizes.push_back(format::CreateSizesDirect(builder, &values));
  // The file's values are one higher, because `unstated`, which only older files have, comes first.
  const auto score_type = static_cast<format::ScoreType>(static_cast<uint8_t>(task.score_type) + 1);
  return format::CreateTaskDirect(builder, static_cast<format::TaskType>(task.type), task.boxes,
                                  task.scores, task.landmarks, &sizes, &task.steps, &task.variances,
                                  task.score_threshold, task.nms_iou, task.corners, score_type);
}

// Computes the checksum over everything else in the file and stores it. The field is already there,
// and this is the last change.
void store_checksum(std::span<std::byte> file) {
  const auto* table = flatbuffers::GetRoot<flatbuffers::Table>(file.data());
  const auto* field =
      reinterpret_cast<const std::byte*>(table->GetAddressOf(format::Model::VT_CHECKSUM));
  const auto at = static_cast<std::size_t>(field - file.data());
  flatbuffers::WriteScalar(file.data() + at, checksum_of(file, at));
}

}  // namespace

Expected<std::vector<std::byte>> write_model(const Graph& graph) {
  FlatBufferBuilder builder;
  TensorNumbers numbers;
  const auto steps = write_steps(builder, graph, numbers);
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  for (const TensorId id : graph.inputs) inputs.push_back(numbers.of(id));
  for (const TensorId id : graph.outputs) outputs.push_back(numbers.of(id));
  std::vector<Offset<format::Tensor>> tensors;
  for (const TensorId id : numbers.order())
    tensors.push_back(write_tensor(builder, graph.tensor(id)));
  std::vector<Offset<flatbuffers::String>> labels;
  for (const std::string& label : graph.labels) labels.push_back(builder.CreateString(label));
  const auto preprocess = graph.preprocess ? write_preprocess(builder, *graph.preprocess)
                                           : Offset<format::Preprocess>{};
  const auto task = write_task(builder, graph.task);
  constexpr uint64_t not_yet = 1;  // a field with value 0 would be left out
  const auto model =
      format::CreateModelDirect(builder, version_of(graph), graph.producer.c_str(), &tensors,
                                &steps, &inputs, &outputs, &labels, preprocess, task, not_yet);
  format::FinishModelBuffer(builder, model);
  const auto* begin = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  std::vector<std::byte> file(begin, begin + builder.GetSize());
  store_checksum(file);
  return file;
}

}  // namespace octet::graph
