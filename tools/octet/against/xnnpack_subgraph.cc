#include "tools/octet/against/xnnpack_subgraph.h"

#include <algorithm>

#include "engine/operator_table.h"
#include "tools/octet/against/dequantized.h"

// Newer versions of XNNPACK mark most operators of one and two operands as deprecated; older ones
// have no others.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace octet::tool {
namespace {

Extents extents_of(const Shape& shape) {
  Extents extents(shape.begin(), shape.end());
  if (extents.empty()) extents.push_back(1);
  return extents;
}

uint32_t u(int32_t value) { return static_cast<uint32_t>(value); }

}  // namespace

uint32_t Subgraph::new_value(const PlainValue& v, bool quantized, const Extents& extents,
                             const void* data, uint32_t id, uint32_t flags) {
  uint32_t result = XNN_INVALID_VALUE_ID;
  if (status != xnn_status_success) return result;
  if (quantized) {
    note(xnn_define_quantized_tensor_value(subgraph, xnn_datatype_qint8, v.zero_point, v.scale,
                                           extents.size(), extents.data(), data, id, flags,
                                           &result));
  } else {
    note(xnn_define_tensor_value(subgraph, xnn_datatype_fp32, extents.size(), extents.data(), data,
                                 id, flags, &result));
  }
  return result;
}

uint32_t Subgraph::form_id(const PlainForm& form, uint32_t flag) {
  const auto known = ids_.find(form);
  if (known != ids_.end()) return known->second;
  const uint32_t id = 2 * u(form.value) + (form.quantized ? 1 : 0);
  const auto external = outside_.find(form);
  const bool crosses = external != outside_.end();
  if (crosses) externals.push_back({.id = id, .data = external->second});
  const PlainValue& v = value(form.value);
  return ids_[form] =
             new_value(v, form.quantized, extents_of(v.shape), nullptr, id, crosses ? flag : 0);
}

uint32_t Subgraph::read(int32_t id) {
  const PlainForm form{id, value(id).quantized};
  if (value(id).constant != nullptr) return constant(id);
  const PlainForm real{id, false};
  if (ids_.contains(form) || outside_.contains(form) || !outside_.contains(real)) {
    return form_id(form, XNN_VALUE_FLAG_EXTERNAL_INPUT);
  }
  const uint32_t from = form_id(real, XNN_VALUE_FLAG_EXTERNAL_INPUT);
  const uint32_t to = form_id(form, 0);
  note(xnn_define_convert(subgraph, from, to, 0));
  return to;
}

void Subgraph::convert_for_outside(int32_t id) {
  if (!value(id).quantized || !outside_.contains({id, false})) return;
  const uint32_t to = form_id({id, false}, XNN_VALUE_FLAG_EXTERNAL_OUTPUT);
  note(xnn_define_convert(subgraph, write(id), to, 0));
}

uint32_t Subgraph::constant(int32_t id) {
  const PlainValue& v = value(id);
  const auto* from = v.constant->values<uint8_t>();
  auto& values = operands.emplace_back();
  for (std::size_t i = 0; i < v.constant->data.size(); ++i) {
    values.push_back(static_cast<int8_t>(from[i] - 128));
  }
  values.resize(values.size() + XNN_EXTRA_BYTES);
  return new_value(v, true, extents_of(v.shape), values.data(), XNN_INVALID_VALUE_ID, 0);
}

uint32_t Subgraph::reshaped(uint32_t from, const PlainValue& v, const Extents& extents) {
  const uint32_t to = new_value(v, v.quantized, extents, nullptr, XNN_INVALID_VALUE_ID, 0);
  note(xnn_define_static_reshape(subgraph, extents.size(), extents.data(), from, to, 0));
  return to;
}

/// A linear layer is a 1x1 convolution over a row of pixels: the fully connected operator of older
/// versions has no scale for each channel.
void Subgraph::define_layer(const PlainNode& node) {
  const auto& a = std::get<ConvAttributes>(node.attributes);
  const Window& w = a.window;
  const TensorRecord& weight = network_.model.tensor(node.layer->inputs[1]);
  const PlainValue& input = value(node.inputs[0]);
  const auto& layer = layers.emplace_back(layer_at(network_.model, *node.layer, input.scale));
  const PlainValue& output = value(node.output());
  const bool linear = node.op == Op::linear;
  const auto input_channels = static_cast<std::size_t>(input.shape.back());
  const auto output_channels = static_cast<std::size_t>(output.shape.back());
  const std::size_t rows = static_cast<std::size_t>(element_count(input.shape)) /
                           std::max<std::size_t>(input_channels, 1);

  auto& scales = bias_scales.emplace_back();
  for (const float scale : layer.scales) scales.push_back(input.scale * scale);
  const Extents filter =
      linear ? Extents{output_channels, 1, 1, input_channels} : extents_of(weight.info.shape);
  const Extents channels = {output_channels};
  uint32_t x = read(node.inputs[0]);
  if (linear) x = reshaped(x, input, {1, rows, 1, input_channels});
  uint32_t weight_id = XNN_INVALID_VALUE_ID;
  uint32_t bias_id = XNN_INVALID_VALUE_ID;
  if (status != xnn_status_success) return;
  note(xnn_define_channelwise_quantized_tensor_value(
      subgraph, xnn_datatype_qcint8, layer.scales.data(), filter.size(), 0, filter.data(),
      layer.weights.data(), XNN_INVALID_VALUE_ID, 0, &weight_id));
  note(xnn_define_channelwise_quantized_tensor_value(
      subgraph, xnn_datatype_qcint32, scales.data(), channels.size(), 0, channels.data(),
      layer.bias.data(), XNN_INVALID_VALUE_ID, 0, &bias_id));
  const Extents pixels = {1, rows, 1, output_channels};
  const uint32_t y = linear ? new_value(output, true, pixels, nullptr, XNN_INVALID_VALUE_ID, 0)
                            : write(node.output());
  if (status != xnn_status_success) return;
  const auto groups = static_cast<std::size_t>(a.groups);
  note(xnn_define_convolution_2d(subgraph, u(w.pad_top), u(w.pad_right), u(w.pad_bottom),
                                 u(w.pad_left), u(w.kernel_h), u(w.kernel_w), u(w.stride_h),
                                 u(w.stride_w), u(w.dilation_h), u(w.dilation_w), u(a.groups),
                                 input_channels / groups, output_channels / groups, a.bounds.min,
                                 a.bounds.max, x, weight_id, bias_id, y, 0));
  if (!linear) return;
  const Extents shape = extents_of(output.shape);
  note(xnn_define_static_reshape(subgraph, shape.size(), shape.data(), y, write(node.output()), 0));
}

void Subgraph::define_binary(const PlainNode& node) {
  const Bounds& bounds = std::get<BinaryAttributes>(node.attributes).bounds;
  const uint32_t a = read(node.inputs[0]);
  const uint32_t b = read(node.inputs[1]);
  decltype(&xnn_define_add2) define = nullptr;
  switch (row_of(node.op).arithmetic) {
    case Arithmetic::add:
      define = xnn_define_add2;
      break;
    case Arithmetic::sub:
      define = xnn_define_subtract;
      break;
    case Arithmetic::mul:
      define = xnn_define_multiply2;
      break;
    case Arithmetic::div:
    case Arithmetic::floor_div:
      return note(xnn_status_unsupported_parameter);
  }
  note(define(subgraph, bounds.min, bounds.max, a, b, write(node.output()), 0));
}

void Subgraph::define_pool(const PlainNode& node) {
  const auto& a = std::get<PoolAttributes>(node.attributes);
  const Window& w = a.window;
  const uint32_t x = read(node.inputs[0]);
  const uint32_t y = write(node.output());
  if (node.op == Op::average_pool) {
    note(xnn_define_global_average_pooling_2d(subgraph, a.bounds.min, a.bounds.max, x, y, 0));
    return;
  }
  note(xnn_define_max_pooling_2d(subgraph, u(w.pad_top), u(w.pad_right), u(w.pad_bottom),
                                 u(w.pad_left), u(w.kernel_h), u(w.kernel_w), u(w.stride_h),
                                 u(w.stride_w), u(w.dilation_h), u(w.dilation_w), a.bounds.min,
                                 a.bounds.max, x, y, 0));
}

void Subgraph::define_operator(const PlainNode& node) {
  switch (kind_of(node.op)) {
    case Kind::conv2d:
    case Kind::linear:
      return define_layer(node);
    case Kind::arithmetic:
      return define_binary(node);
    case Kind::max_pool:
    case Kind::average_pool:
      return define_pool(node);
    case Kind::quantize:
    case Kind::dequantize: {
      const uint32_t x = read(node.inputs[0]);
      return note(xnn_define_convert(subgraph, x, write(node.output()), 0));
    }
    case Kind::reshape: {
      const Extents extents = extents_of(value(node.output()).shape);
      const uint32_t x = read(node.inputs[0]);
      return note(xnn_define_static_reshape(subgraph, extents.size(), extents.data(), x,
                                            write(node.output()), 0));
    }
    case Kind::pad: {
      const auto& a = std::get<PadAttributes>(node.attributes);
      const Extents before(a.before.begin(), a.before.end());
      const Extents after(a.after.begin(), a.after.end());
      const uint32_t x = read(node.inputs[0]);
      return note(xnn_define_static_constant_pad(subgraph, before.data(), after.data(), a.value, x,
                                                 write(node.output()), 0));
    }
    case Kind::function:
      return define_function(node);
    case Kind::resize: {
      const auto& a = std::get<ResizeAttributes>(node.attributes);
      const uint32_t x = read(node.inputs[0]);
      return note(xnn_define_static_resize_bilinear_2d(
          subgraph, static_cast<std::size_t>(a.output_h), static_cast<std::size_t>(a.output_w), x,
          write(node.output()), a.align_corners ? XNN_FLAG_ALIGN_CORNERS : 0));
    }
    case Kind::softmax:  // is_written_down() does not admit them
    case Kind::log_softmax:
    case Kind::argmax:
    case Kind::concat:
    case Kind::slice:
    case Kind::transpose:
    case Kind::clip:
    case Kind::lookup:
    case Kind::requantize:
    case Kind::mean:
    case Kind::batch_norm:
    case Kind::prelu:
    case Kind::cast:
    case Kind::gather_nd:
    case Kind::top_k:
    case Kind::identity:
      break;
  }
  note(xnn_status_unsupported_parameter);
}

void Subgraph::define_function(const PlainNode& node) {
  const uint32_t x = read(node.inputs[0]);
  const auto value = [&] { return std::get<ScalarAttributes>(node.attributes).value; };
  if (node.op == Op::elu)
    return note(xnn_define_elu(subgraph, value(), x, write(node.output()), 0));
  if (node.op == Op::leaky_relu)
    return note(xnn_define_leaky_relu(subgraph, value(), x, write(node.output()), 0));
  if (node.op == Op::sigmoid) return note(xnn_define_sigmoid(subgraph, x, write(node.output()), 0));
  note(xnn_status_unsupported_parameter);
}

void Subgraph::define(const PlainNode& node) {
  define_operator(node);
  convert_for_outside(node.output());
}

}  // namespace octet::tool
