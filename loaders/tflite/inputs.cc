#include "loaders/tflite/inputs.h"

#include <algorithm>
#include <set>

namespace octet::loaders::tflite {

using format::TensorType;

namespace {

bool has_open_extents(const TensorRecord& tensor) {
  return std::ranges::any_of(tensor.signature, [](int32_t extent) { return extent < 0; });
}

bool is_open(const TensorRecord& input, std::size_t axis) {
  return axis < input.signature.size() ? input.signature[axis] < 0 : input.shape[axis] < 1;
}

// Whether an error should show the extent as open. Without a signature, an extent of 0 is shown as
// it is.
bool is_said_open(const TensorRecord& input, std::size_t axis) {
  return is_open(input, axis) && (axis < input.signature.size() || input.shape[axis] < 0);
}

std::string dims_text(const TensorRecord& input) {
  std::string text = "[";
  for (std::size_t i = 0; i < input.shape.size(); ++i)
    text += (i ? ", " : "") + (is_said_open(input, i) ? "?" : std::to_string(input.shape[i]));
  return text + "]";
}

const Shape* given_shape(const LoadOptions& options, const std::string& name, bool first) {
  if (const auto found = options.shapes.find(name); found != options.shapes.end())
    return &found->second;
  const auto unnamed = options.shapes.find("");
  return first && unnamed != options.shapes.end() ? &unnamed->second : nullptr;
}

Shape input_shape(const TensorRecord& input, const Shape* given) {
  const std::string where = "the input '" + input.name + "' is " + dims_text(input) + ": ";
  bool open = false;
  Shape shape = input.shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!is_open(input, i)) continue;
    open = open || i > 0;
    shape[i] = 1;  // the first axis is the batch
  }
  if (given != nullptr) {
    bool fits = given->size() == shape.size();
    for (std::size_t i = 0; fits && i < shape.size(); ++i)
      fits = is_open(input, i) || (*given)[i] == shape[i];
    if (!fits)
      throw LoadError(where + "the shape " + shape_text(*given) +
                      " that --shape gives does not fit it");
    return *given;
  }
  if (std::ranges::count(input.shape, 0) > 0 && input.signature.empty()) {
    throw LoadError(where + "an extent of 0 holds nothing: give its shape, as in --shape " +
                    input.name + "=1,224,224,3, or convert the model again with one");
  }
  if (open) throw LoadError(where + "give its shape, as in --shape " + input.name + "=1,224,224,3");
  if (auto ok = check_shape(shape); !ok)
    throw LoadError("the input '" + input.name + "' " + ok.error().message);
  return shape;
}

}  // namespace

bool shapes_hold(const ModelFile& file, const LoadOptions& options) {
  return options.shapes.empty() && std::ranges::none_of(file.tensors, has_open_extents);
}

void add_inputs(const ModelFile& file, const std::vector<int>& readers, const LoadOptions& options,
                Builder& builder) {
  std::set<std::string> names;
  std::set<std::string> unread;
  for (const int32_t index : file.inputs) {
    const TensorRecord& input = file.tensors[static_cast<std::size_t>(index)];
    if (input.data) continue;
    // A model of octet has no inputs that nobody reads.
    if (readers[static_cast<std::size_t>(index)] == 0) {
      unread.insert(input.name);
      builder.graph().remarks.push_back(unread_input_remark(input.name));
      continue;
    }
    if (input.type != TensorType::FLOAT32 && input.type != TensorType::UINT8 &&
        input.type != TensorType::INT8) {
      throw LoadError("the input '" + input.name + "' has the type " + type_name(input.type) +
                      "; octet takes FLOAT32, UINT8 and INT8: convert the model again with one of "
                      "them");
    }
    const Shape* given = given_shape(options, input.name, names.empty());
    if (!names.insert(input.name).second)
      throw LoadError("the input '" + input.name + "' is named twice");
    builder.add_input(index, input_shape(input, given));
  }
  for (const auto& [name, shape] : options.shapes) {
    if (name.empty() || names.contains(name) || unread.contains(name)) continue;
    throw LoadError("--shape names '" + name + "', but the model has no such input");
  }
}

std::optional<Preprocess> pixels_as_they_are(const graph::Graph& graph, const ModelFile& file) {
  if (graph.inputs.size() != 1) return std::nullopt;
  const graph::Tensor& input = graph.tensor(graph.inputs[0]);
  const auto record = std::ranges::find(file.tensors, input.name, &TensorRecord::name);
  const Shape& s = input.shape;
  const bool image = s.size() == 4 && s[0] == 1 && (s[3] == 1 || s[3] == 3);
  if (!image || record->type != TensorType::UINT8 || !input.quantization) return std::nullopt;
  const auto channels = static_cast<std::size_t>(s[3]);
  const auto zero_point = static_cast<float>(input.quantization->zero_point);
  return Preprocess{.height = s[1],
                    .width = s[2],
                    .resize = ResizeRule::crop,
                    .channels = channels == 3 ? Channels::rgb : Channels::gray,
                    .mean = std::vector<float>(channels, zero_point),
                    .std = std::vector<float>(channels, 1.0f / input.quantization->scale)};
}

}  // namespace octet::loaders::tflite
