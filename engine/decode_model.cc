#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>

#include "engine/checksum.h"
#include "engine/format/octet_generated.h"
#include "engine/format_version.h"
#include "engine/model_data.h"
#include "engine/score_types.h"

namespace octet {
namespace {

// A file that asks for more activation memory than this is damaged.
constexpr int64_t max_activation_bytes = int64_t{8} << 30;

// The bytes that a table, a string or a vector takes beside its contents: an offset and a length.
constexpr std::size_t least_bytes = 8;

/// Reads strings and vectors. A file that octet wrote has each of them once. A damaged file might
/// have many offsets that name the same one, and its copies would take far more memory than the
/// file has bytes. So all copies together may take no more than `budget` bytes.
class Reader {
 public:
  explicit Reader(std::size_t budget) : left_(budget) {}

  std::string text(const flatbuffers::String* s) {
    return s != nullptr && spend(s->size()) ? s->str() : std::string();
  }
  template <class T>
  std::vector<T> values(const flatbuffers::Vector<T>* v) {
    const std::span<const T> all = view(v);
    return {all.begin(), all.end()};
  }
  template <class T>
  std::span<const T> view(const flatbuffers::Vector<T>* v) {
    if (v == nullptr || !spend(v->size() * sizeof(T))) return {};
    return {v->data(), v->size()};
  }
  std::vector<std::string> texts(
      const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* v) {
    std::vector<std::string> all;
    if (v == nullptr) return all;
    for (const auto* s : *v) {
      all.push_back(text(s));
      if (exceeded_) break;
    }
    return all;
  }

  /// Takes `bytes` from the budget for one more copy. Returns whether there was room for it.
  bool spend(std::size_t bytes) {
    exceeded_ = exceeded_ || bytes > left_ || left_ - bytes < least_bytes;
    if (!exceeded_) left_ -= bytes + least_bytes;
    return !exceeded_;
  }

  /// Whether more was asked for than the budget had. From then on, everything that is read is
  /// empty.
  bool exceeded() const { return exceeded_; }

 private:
  std::size_t left_;
  bool exceeded_ = false;
};

// The name of the function in a lookup's table changes nothing about how the table runs. So a name
// that is no function is no error.
Op function_named(std::string_view name) {
  const auto op = find_op(name);
  return op && (is_function_of_one_value(*op) || *op == Op::prelu) ? *op : Op::identity;
}

Expected<TensorRecord> decode_tensor(const format::Tensor& t, Reader& reader) {
  TensorRecord record;
  record.info.name = reader.text(t.name());
  const std::string where = "tensor '" + record.info.name + "' ";
  if (t.type() > format::Type::f32) return fail(where + "has an unknown type");
  record.info.type = static_cast<Type>(t.type());
  record.info.shape = reader.values(t.shape());
  if (auto ok = check_shape(record.info.shape); !ok) return fail(where + ok.error().message);

  record.info.scale = t.scale();
  record.info.zero_point = t.zero_point();
  const bool has_scale = t.scale() != 0;
  if (has_scale &&
      (!(t.scale() > 0) || !std::isnormal(t.scale()) || !std::isnormal(1.0f / t.scale()))) {
    return fail(where + "has a scale that is not a positive number");
  }
  if (t.zero_point() < 0 || t.zero_point() > 255)
    return fail(where + "has a zero point outside 0 to 255");

  record.channel_scales = reader.view(t.channel_scales());
  record.channel_zero_points = reader.view(t.channel_zero_points());
  for (const float scale : record.channel_scales) {
    if (!(scale > 0) || !std::isfinite(scale))
      return fail(where + "has a channel scale that is not positive");
  }
  const bool is_activation = record.info.type == Type::u8;
  const int32_t least = is_activation ? 0 : -128;
  for (const int32_t zero_point : record.channel_zero_points) {
    if (zero_point < least || zero_point > least + 255)
      return fail(where + "has a channel zero point outside " + std::to_string(least) + " to " +
                  std::to_string(least + 255));
  }
  if (record.has_channel_scales()) {
    const auto channels =
        record.info.shape.empty() ? 0 : static_cast<std::size_t>(record.info.shape.back());
    if (has_scale || record.channel_scales.size() != channels ||
        record.channel_zero_points.size() != channels)
      return fail(where + "has another number of scales than channels");
    for (const float scale : record.channel_scales) {
      if (!std::isnormal(scale) || !std::isnormal(1.0f / scale))
        return fail(where + "has a channel scale that is not a normal number");
    }
  }

  if (t.data() != nullptr) {
    record.is_constant = true;
    record.data = std::as_bytes(reader.view(t.data()));
    if (record.data.size() != record.byte_size()) {
      return fail(where + "has " + std::to_string(record.data.size()) + " bytes for the shape " +
                  shape_text(record.info.shape) + " of " + type_name(record.info.type));
    }
    if (reinterpret_cast<std::uintptr_t>(record.data.data()) % type_size(record.info.type) != 0) {
      return fail(where + "is not aligned");
    }
  }
  return record;
}

Expected<Bounds> decode_bounds(bool bounded, float min, float max) {
  if (!bounded) return Bounds{};
  if (!(min <= max)) return fail("has bounds out of order");
  return Bounds{min, max};
}

Window decode_window(const format::Window* w) {
  if (w == nullptr) return {};
  return {.kernel_h = w->kernel_h(),
          .kernel_w = w->kernel_w(),
          .stride_h = w->stride_h(),
          .stride_w = w->stride_w(),
          .dilation_h = w->dilation_h(),
          .dilation_w = w->dilation_w(),
          .pad_top = w->pad_top(),
          .pad_left = w->pad_left(),
          .pad_bottom = w->pad_bottom(),
          .pad_right = w->pad_right()};
}

// Fills the attributes that the operator has. The other fields are ignored.
struct AttributeDecoder {
  const format::Attributes& from;
  Bounds bounds;
  Bounds inner_bounds;
  Reader& reader;

  void operator()(NoAttributes&) const {}
  void operator()(ConvAttributes& a) const {
    a = {.window = decode_window(from.window()),
         .groups = from.groups(),
         .bounds = bounds,
         .has_bias = from.has_bias(),
         .has_residual = from.has_residual(),
         .inner_bounds = inner_bounds,
         .function = {.form = static_cast<kernels::FunctionForm>(from.form()),
                      .function = function_named(reader.text(from.function())),
                      .value = from.value(),
                      .takes_residual = from.takes_residual(),
                      .symmetry = static_cast<kernels::Symmetry>(from.symmetry()),
                      .numbers = reader.values(from.numbers())}};
  }
  void operator()(BinaryAttributes& a) const { a.bounds = bounds; }
  void operator()(PoolAttributes& a) const {
    a = {.window = decode_window(from.window()),
         .count_include_pad = from.count_include_pad(),
         .ceil_mode = from.ceil_mode(),
         .bounds = bounds};
  }
  void operator()(AxisAttributes& a) const {
    a = {
        .axis = from.axis(), .keepdims = from.keepdims(), .k = from.k(), .largest = from.largest()};
  }
  void operator()(SliceAttributes& a) const {
    a = {.begin = reader.values(from.begin()),
         .stride = reader.values(from.step()),
         .count = reader.values(from.end())};
  }
  void operator()(PadAttributes& a) const {
    a = {.before = reader.values(from.begin()),
         .after = reader.values(from.end()),
         .value = from.value()};
  }
  void operator()(ReshapeAttributes& a) const { a.shape = reader.values(from.shape()); }
  void operator()(TransposeAttributes& a) const { a.permutation = reader.values(from.shape()); }
  void operator()(ResizeAttributes& a) const {
    const auto size = reader.view(from.shape());
    a = {.output_h = size.size() == 2 ? size[0] : 0,
         .output_w = size.size() == 2 ? size[1] : 0,
         .mode = from.bilinear() ? ResizeMode::bilinear : ResizeMode::nearest,
         .align_corners = from.align_corners()};
  }
  void operator()(ClipAttributes& a) const { a.bounds = bounds; }
  void operator()(MeanAttributes& a) const {
    a = {.axes = reader.values(from.axes()), .keepdims = from.keepdims()};
  }
  void operator()(ScalarAttributes& a) const { a.value = from.value(); }
  void operator()(LookupAttributes& a) const {
    a = {.function = function_named(reader.text(from.function())), .value = from.value()};
  }
  void operator()(GatherAttributes& a) const { a.from_end = from.from_end(); }
  void operator()(QuantizeAttributes& a) const { a.means = reader.values(from.numbers()); }
};

Expected<NodeRecord> decode_node(const format::Node& n, const Model::Data& data, Reader& reader) {
  NodeRecord node;
  node.name = reader.text(n.name());
  const std::string where = "node '" + node.name + "' ";
  const std::string op_text = reader.text(n.op());
  const auto op = find_op(op_text);
  if (!op || *op == Op::identity) {
    return fail(where + "has the unknown operator '" + op_text +
                "': the file may need a newer octet");
  }
  node.op = *op;
  node.attributes = default_attributes(*op);
  if (n.attributes() != nullptr) {
    const format::Attributes& a = *n.attributes();
    if (a.form() > format::FunctionForm::slopes || a.symmetry() > format::Symmetry::odd)
      return fail(where + "has an unknown form of a function: the file may need a newer octet");
    const auto bounds = decode_bounds(a.bounded(), a.bound_min(), a.bound_max());
    if (!bounds) return fail(where + bounds.error().message);
    const auto inner = decode_bounds(a.inner_bounded(), a.inner_min(), a.inner_max());
    if (!inner) return fail(where + inner.error().message);
    std::visit(AttributeDecoder{a, *bounds, *inner, reader}, node.attributes);
  }
  node.inputs = reader.values(n.inputs());
  const std::vector<int32_t> more = reader.values(n.more_outputs());
  node.outputs = std::vector<int32_t>(1 + more.size(), n.output());
  std::ranges::copy(more, node.outputs.begin() + 1);
  node.reason = reader.text(n.reason());
  node.fused = reader.texts(n.fused());
  if (auto* table = std::get_if<LookupAttributes>(&node.attributes);
      table != nullptr && table->function == Op::identity && !node.fused.empty()) {
    // Files of octet 0.1 give the function's name only, without its parameter.
    const Op function = function_named(node.fused[0]);
    if (function != Op::leaky_relu && function != Op::elu) table->function = function;
  }
  const auto count = static_cast<int64_t>(data.tensors.size());
  const auto valid = [&](int32_t id) { return id >= 0 && id < count; };
  if (!std::ranges::all_of(node.inputs, valid) || !std::ranges::all_of(node.outputs, valid)) {
    return fail(where + "names a tensor that the file does not have");
  }
  return node;
}

Expected<void> check_node(const Model::Data& data, const NodeRecord& node, bool island) {
  std::vector<Shape> shapes;
  for (const int32_t id : node.inputs) shapes.push_back(data.tensor(id).info.shape);
  const auto results = infer_shapes(node.op, node.attributes, shapes);
  const std::string where = "node '" + node.name + "' (" + op_name(node.op) + ") ";
  if (!results) return fail(where + results.error().message);
  if (node.outputs.size() != results->size()) return fail(where + "has another number of results");
  for (std::size_t i = 0; i < results->size(); ++i) {
    const Shape& shape = (*results)[i];
    const Shape& declared = data.tensor(node.outputs[i]).info.shape;
    if (shape != declared)
      return fail(where + "gives " + shape_text(shape) + ", not " + shape_text(declared));
  }
  if (auto ok = check_node_types(data, node, island); !ok) return fail(where + ok.error().message);
  return {};
}

// Checks that the nodes are in order: each tensor is written once, before anybody reads it.
class Availability {
 public:
  explicit Availability(const Model::Data& data) : data_(data), ready_(data.tensors.size(), false) {
    for (std::size_t i = 0; i < data.tensors.size(); ++i) ready_[i] = data.tensors[i].is_constant;
    for (const int32_t id : data.inputs) ready_[static_cast<std::size_t>(id)] = true;
  }
  Expected<void> pass(const NodeRecord& node) {
    for (const int32_t id : node.inputs) {
      if (!ready_[static_cast<std::size_t>(id)]) {
        return fail("node '" + node.name + "' reads '" + data_.tensor(id).info.name +
                    "' before it is written");
      }
    }
    for (const int32_t id : node.outputs) {
      if (ready_[static_cast<std::size_t>(id)]) {
        return fail("node '" + node.name + "' writes '" + data_.tensor(id).info.name +
                    "' a second time");
      }
      ready_[static_cast<std::size_t>(id)] = true;
    }
    return {};
  }
  bool has(int32_t id) const { return ready_[static_cast<std::size_t>(id)]; }

 private:
  const Model::Data& data_;
  std::vector<bool> ready_;
};

Expected<void> decode_steps(const format::Model& model, Model::Data& data, Reader& reader) {
  Availability available(data);
  int64_t activation_bytes = 0;
  if (model.steps() == nullptr) return fail("the model has no steps");
  for (const auto* s : *model.steps()) {
    if (s->nodes() == nullptr || s->nodes()->size() == 0 ||
        (!s->island() && s->nodes()->size() != 1)) {
      return fail("a step has the wrong number of nodes");
    }
    StepRecord step{.first_node = static_cast<int32_t>(data.nodes.size()),
                    .node_count = static_cast<int32_t>(s->nodes()->size()),
                    .island = s->island()};
    for (const auto* n : *s->nodes()) {
      auto node = decode_node(*n, data, reader);
      if (!node) return tl::unexpected(node.error());
      node->step = static_cast<int32_t>(data.steps.size());
      if (auto ok = available.pass(*node); !ok) return ok;
      if (auto ok = check_node(data, *node, step.island); !ok) return ok;
      for (const int32_t id : node->outputs)
        activation_bytes += static_cast<int64_t>(data.tensor(id).byte_size());
      if (activation_bytes > max_activation_bytes)
        return fail("the activations are too large for any machine");
      data.nodes.push_back(std::move(*node));
    }
    data.steps.push_back(step);
  }
  for (const int32_t id : data.outputs) {
    if (!available.has(id))
      return fail("no node writes the output '" + data.tensor(id).info.name + "'");
  }
  return {};
}

Expected<void> decode_interface(const format::Model& model, Model::Data& data, Reader& reader) {
  data.inputs = reader.values(model.inputs());
  data.outputs = reader.values(model.outputs());
  if (data.inputs.empty() || data.outputs.empty())
    return fail("the model has no inputs or no outputs");
  const auto count = static_cast<int64_t>(data.tensors.size());
  for (const auto* ids : {&data.inputs, &data.outputs}) {
    for (const int32_t id : *ids) {
      if (id < 0 || id >= count)
        return fail("an input or output is a tensor that the file does not have");
    }
  }
  for (const int32_t id : data.inputs) {
    const TensorRecord& tensor = data.tensor(id);
    if (tensor.is_constant || tensor.info.type != Type::f32 ||
        std::ranges::count(data.inputs, id) != 1) {
      return fail("the input '" + tensor.info.name +
                  "' is a constant, named twice, or not float32");
    }
  }
  return {};
}

Expected<void> decode_preprocess(const format::Model& model, Model::Data& data, Reader& reader) {
  const auto* from = model.preprocess();
  if (from == nullptr) return {};
  if (from->resize() > format::ResizeRule::letterbox || from->channels() > format::Channels::gray) {
    return fail("the preprocessing has an unknown resize rule or channel order");
  }
  Preprocess p{.height = from->height(),
               .width = from->width(),
               .resize = static_cast<ResizeRule>(from->resize()),
               .channels = static_cast<Channels>(from->channels()),
               .mean = reader.values(from->mean()),
               .std = reader.values(from->std())};
  const std::size_t channels = p.channels == Channels::gray ? 1 : 3;
  const auto finite = [](float v) { return std::isfinite(v); };
  const bool valid_std =
      std::ranges::all_of(p.std, [](float v) { return std::isfinite(v) && v != 0; });
  const Shape image = {1, p.height, p.width, static_cast<int32_t>(channels)};
  if (p.mean.size() != channels || p.std.size() != channels ||
      !std::ranges::all_of(p.mean, finite) || !valid_std) {
    return fail("the preprocessing's mean or std does not suit its channels");
  }
  if (data.input_infos[0].shape != image) {
    return fail("the preprocessing gives " + shape_text(image) + ", but the first input is " +
                shape_text(data.input_infos[0].shape));
  }
  data.preprocess = std::move(p);
  return {};
}

ScoreType decode_score_type(const format::Task& from, const Model::Data& data) {
  if (from.score_type() != format::ScoreType::unstated) {
    return static_cast<ScoreType>(static_cast<uint8_t>(from.score_type()) - 1);
  }
  ScoreTypes types(data.tensors.size());
  for (const NodeRecord& node : data.nodes) {
    types.pass(node.op, node.attributes, node.inputs, node.outputs[0],
               [&](int32_t id) { return data.tensor(id).is_constant; });
  }
  return types.of(data.outputs[0]);
}

Expected<void> decode_task(const format::Model& model, Model::Data& data, Reader& reader) {
  const auto* from = model.task();
  if (from == nullptr) return {};
  if (from->type() > format::TaskType::detect)
    return fail("the task is unknown: the file may need a newer octet");
  if (from->score_type() > format::ScoreType::independent)
    return fail("the task's scores are of an unknown type: the file may need a newer octet");
  Task& task = data.task;
  task = {.type = static_cast<TaskType>(from->type()),
          .boxes = from->boxes(),
          .scores = from->scores(),
          .landmarks = from->landmarks(),
          .steps = reader.values(from->steps()),
          .variances = reader.values(from->variances()),
          .score_threshold = from->score_threshold(),
          .nms_iou = from->nms_iou(),
          .corners = from->corners(),
          .score_type = decode_score_type(*from, data)};
  if (from->min_sizes() != nullptr) {
    for (const auto* sizes : *from->min_sizes()) {
      task.min_sizes.push_back(reader.values(sizes->values()));
      if (reader.exceeded()) break;
    }
  }
  if (task.type != TaskType::detect) return {};
  const auto outputs = static_cast<int32_t>(data.outputs.size());
  const auto valid = [&](int32_t output) { return output >= 0 && output < outputs; };
  if (!valid(task.boxes) || !valid(task.scores) ||
      (task.landmarks != -1 && !valid(task.landmarks))) {
    return fail("the detector's task names outputs that the model does not have");
  }
  if (task.corners) return {};
  const auto positive = [](float v) { return std::isfinite(v) && v > 0; };
  bool sizes_valid = task.min_sizes.size() == task.steps.size() && task.variances.size() == 2;
  for (const auto& sizes : task.min_sizes)
    sizes_valid = sizes_valid && std::ranges::all_of(sizes, positive);
  if (!sizes_valid || !std::ranges::all_of(task.steps, positive) ||
      !std::ranges::all_of(task.variances, positive)) {
    return fail("the detector's task has sizes, steps or variances out of range");
  }
  return {};
}

// Node descriptions for users repeat the name of a tensor for every node that reads it. The
// repeated names may take this many times the file's size: a file of a few nodes with long names
// may need several times its size.
constexpr std::size_t most_repeats = 8;

void describe_interface(Model::Data& data, Reader& repeats) {
  const auto describe = [&](const std::vector<int32_t>& ids, std::vector<TensorInfo>& infos) {
    for (const int32_t id : ids) {
      if (!repeats.spend(data.tensor(id).info.name.size())) return;
      infos.push_back(data.tensor(id).info);
    }
  };
  describe(data.inputs, data.input_infos);
  describe(data.outputs, data.output_infos);
}

std::string name_of_function(Op function) {
  return function == Op::identity ? std::string() : op_name(function);
}

void describe_nodes(Model::Data& data, Reader& repeats) {
  for (const NodeRecord& node : data.nodes) {
    if (repeats.exceeded()) return;
    NodeInfo info{
        .name = node.name, .op = op_name(node.op), .fused = node.fused, .reason = node.reason};
    std::vector<Shape> shapes;
    for (const int32_t id : node.outputs) {
      const TensorRecord& output = data.tensor(id);
      if (!repeats.spend(output.info.name.size() + output.channel_scales.size_bytes() +
                         output.channel_zero_points.size_bytes()))
        continue;
      info.outputs.push_back(output.info);
      info.outputs.back().channel_scales.assign(output.channel_scales.begin(),
                                                output.channel_scales.end());
      info.outputs.back().channel_zero_points.assign(output.channel_zero_points.begin(),
                                                     output.channel_zero_points.end());
    }
    for (const int32_t id : node.inputs) {
      const TensorRecord& tensor = data.tensor(id);
      shapes.push_back(tensor.info.shape);
      if (tensor.is_constant) {
        info.weight_bytes += static_cast<int64_t>(tensor.data.size());
      } else if (repeats.spend(tensor.info.name.size())) {
        info.inputs.push_back(tensor.info);
      }
    }
    const auto is_u8 = [](const TensorInfo& t) { return t.type == Type::u8; };
    info.int8 = std::ranges::any_of(info.inputs, is_u8) || std::ranges::any_of(info.outputs, is_u8);
    if (const auto* layer = std::get_if<ConvAttributes>(&node.attributes))
      info.function = name_of_function(layer->function.function);
    if (const auto* table = std::get_if<LookupAttributes>(&node.attributes))
      info.function = name_of_function(table->function);
    info.macs = count_macs(node.op, shapes, data.tensor(node.outputs[0]).info.shape);
    info.step = node.step;
    data.macs += info.macs;
    data.weight_bytes += static_cast<std::size_t>(info.weight_bytes);
    data.node_infos.push_back(std::move(info));
  }
}

// Compares the checksum. `model` lies within `file`. A file of format version 1 or 2 may have no
// checksum.
Expected<void> verify_checksum(std::span<const std::byte> file, const format::Model& model) {
  const auto* field = reinterpret_cast<const std::byte*>(
      reinterpret_cast<const flatbuffers::Table&>(model).GetAddressOf(format::Model::VT_CHECKSUM));
  if (model.checksum() == checksum_of(file, static_cast<std::size_t>(field - file.data())))
    return {};
  return fail(
      "the file is not as it was written: its checksum is another (a copy that was cut off, or two "
      "writers at once)");
}

Expected<void> decode_contents(const format::Model& model, Model::Data& data, Reader& reader,
                               Reader& repeats) {
  data.producer = reader.text(model.producer());
  if (model.tensors() == nullptr) return fail("the model has no tensors");
  for (const auto* t : *model.tensors()) {
    auto tensor = decode_tensor(*t, reader);
    if (!tensor) return tl::unexpected(tensor.error());
    data.tensors.push_back(std::move(*tensor));
    if (reader.exceeded()) return {};
  }
  if (auto ok = decode_interface(model, data, reader); !ok) return ok;
  if (auto ok = decode_steps(model, data, reader); !ok) return ok;
  data.labels = reader.texts(model.labels());
  describe_interface(data, repeats);
  if (repeats.exceeded()) return {};
  if (auto ok = decode_preprocess(model, data, reader); !ok) return ok;
  if (auto ok = decode_task(model, data, reader); !ok) return ok;
  describe_nodes(data, repeats);
  return {};
}

}  // namespace

Expected<void> decode_model(std::span<const std::byte> bytes, const LoadOptions& options,
                            Model::Data& data) {
  const auto* begin = reinterpret_cast<const uint8_t*>(bytes.data());
  if (bytes.size() < 8 || !format::ModelBufferHasIdentifier(begin)) {
    return fail("not an octet model (octet convert makes one)");
  }
  if (bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) return fail("the file is larger than 2 GB");
  const auto most_tables = static_cast<flatbuffers::uoffset_t>(bytes.size() / least_bytes);
  flatbuffers::Verifier verifier(begin, bytes.size(), 64, most_tables);
  if (!format::VerifyModelBuffer(verifier)) return fail("the file is damaged or cut off");
  const format::Model& model = *format::GetModel(begin);
  if (model.version() == 0 || model.version() > format_version) {
    return fail("the file has format version " + std::to_string(model.version()) +
                "; this octet reads up to " + std::to_string(format_version));
  }
  data.has_checksum = model.checksum() != 0;
  if (options.verify_checksum && data.has_checksum) {
    if (auto ok = verify_checksum(bytes, model); !ok) return ok;
  }
  Reader reader(bytes.size());
  Reader repeats(most_repeats * bytes.size());
  auto ok = decode_contents(model, data, reader, repeats);
  if (reader.exceeded() || repeats.exceeded()) {
    return fail("the file is damaged: parts of it are named more than once");
  }
  return ok;
}

}  // namespace octet
