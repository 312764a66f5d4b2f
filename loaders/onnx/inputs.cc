#include "loaders/onnx/inputs.h"

#include <algorithm>
#include <set>

namespace octet::loaders::onnx {
namespace {

// Exporters write a dynamic extent as a name, as nothing, as 0 or as -1.
bool is_dynamic(const Dimension& dimension) { return !dimension.value || *dimension.value <= 0; }

std::string dims_text(const ValueInfoProto& input) {
  std::string text = "[";
  for (const Dimension& dimension : input.dims) {
    if (text.size() > 1) text += ", ";
    if (dimension.value) {
      text += std::to_string(*dimension.value);
    } else {
      text += dimension.parameter.empty() ? "?" : dimension.parameter;
    }
  }
  return text + "]";
}

const Shape* given_shape(const LoadOptions& options, const std::string& name, bool first) {
  if (const auto found = options.shapes.find(name); found != options.shapes.end())
    return &found->second;
  const auto unnamed = options.shapes.find("");
  return first && unnamed != options.shapes.end() ? &unnamed->second : nullptr;
}

Shape input_shape(const ValueInfoProto& input, const Shape* given) {
  const std::string where = "the input '" + input.name + "' ";
  if (given != nullptr) {
    bool fits = !input.has_shape || given->size() == input.dims.size();
    for (std::size_t i = 0; fits && i < input.dims.size(); ++i)
      fits = is_dynamic(input.dims[i]) || *input.dims[i].value == (*given)[i];
    if (!fits) {
      throw LoadError(where + "is " + dims_text(input) + ": the shape " + shape_text(*given) +
                      " that --shape gives does not fit it");
    }
    return *given;
  }
  std::vector<int64_t> dims;
  bool open = !input.has_shape;
  for (const Dimension& dimension : input.dims) {
    const bool is_batch = dims.empty();
    open = open || (is_dynamic(dimension) && !is_batch);
    dims.push_back(is_dynamic(dimension) ? 1 : *dimension.value);
  }
  if (open) {
    throw LoadError(where + "is " + (input.has_shape ? dims_text(input) : "of any shape") +
                    ": give its shape, as in --shape " + input.name + "=1,3,224,224");
  }
  return shape_of(dims, where);
}

bool turns_channels_first(const NodeProto& node) {
  const auto perm = std::ranges::find(node.attributes, "perm", &AttributeProto::name);
  return node.op_type == "Transpose" && perm != node.attributes.end() &&
         perm->ints == std::vector<int64_t>{0, 3, 1, 2};
}

// Whether the operator may stand between an input and its transpose and leaves the axes where they
// are: a change of type or scale, a mean or a standard deviation, padding, or another order of
// channels.
bool keeps_axes(const std::string& op) {
  static const std::set<std::string> known = {"QuantizeLinear",
                                              "DequantizeLinear",
                                              "Cast",
                                              "CastLike",
                                              "Identity",
                                              "Dropout",
                                              "Clip",
                                              "Add",
                                              "Sub",
                                              "Mul",
                                              "Div",
                                              "Min",
                                              "Max",
                                              "Relu",
                                              "Neg",
                                              "Abs",
                                              "Pow",
                                              "Sqrt",
                                              "Pad",
                                              "Slice",
                                              "Gather"};
  return known.contains(op);
}

// Whether the input is turned into channels-first before anything looks at its axes. Then it is
// already channels-last.
bool is_turned(const GraphProto& graph, const std::string& name) {
  std::set<std::string> same = {name};
  // The nodes are in order: each comes after those that it reads.
  for (const NodeProto& node : graph.nodes) {
    const bool reads = std::ranges::any_of(
        node.inputs, [&](const std::string& input) { return same.contains(input); });
    if (!reads) continue;
    if (turns_channels_first(node)) return true;
    if (keeps_axes(node.op_type)) same.insert(node.outputs.begin(), node.outputs.end());
  }
  return false;
}

bool is_readable(DataType type) { return is_float_type(type) || is_byte_type(type); }

}  // namespace

void add_inputs(const GraphProto& graph, const LoadOptions& options, Builder& builder) {
  std::set<std::string> initializers;
  for (const TensorProto& tensor : graph.initializers) initializers.insert(tensor.name);
  std::set<std::string> names;
  std::set<std::string> unread;
  for (const ValueInfoProto& input : graph.inputs) {
    if (initializers.contains(input.name)) continue;
    if (builder.readers(input.name) == 0) {  // a model of octet has no inputs that nobody reads
      unread.insert(input.name);
      builder.graph().remarks.push_back(unread_input_remark(input.name));
      continue;
    }
    if (!input.is_tensor || !is_readable(input.type)) {
      throw LoadError("the input '" + input.name + "' has the type " +
                      (input.is_tensor ? data_type_name(input.type) : "of no tensor") +
                      "; octet takes float inputs, or uint8 and int8 ones of quantized models");
    }
    const Shape* given = given_shape(options, input.name, names.empty());
    if (!names.insert(input.name).second)
      throw LoadError("the input '" + input.name + "' is named twice");
    const Shape shape = input_shape(input, given);
    const bool turns = shape.size() == 4 && !is_turned(graph, input.name);
    builder.add_input(input.name, shape,
                      turns ? channels_last_order(4) : identity_order(shape.size()));
    if (!is_float_type(input.type)) {
      builder.set_byte_type(input.name, input.type);
      builder.graph().tensor(builder.graph().inputs.back()).given_in_bytes = true;
    }
  }
  for (const auto& [name, shape] : options.shapes) {
    if (name.empty() || names.contains(name) || unread.contains(name)) continue;
    throw LoadError("--shape names '" + name + "', but the model has no such input");
  }
}

}  // namespace octet::loaders::onnx
