#include <algorithm>

#include "engine/step.h"

namespace octet {
namespace {

using kernels::ConvGeometry;
using kernels::ConvKernel;
using kernels::ConvParams;

ConvGeometry geometry_of(const StepContext& context, const NodeRecord& node) {
  const auto& a = std::get<ConvAttributes>(node.attributes);
  const Shape& x = context.tensor(node.inputs[0]).info.shape;
  const Shape& y = context.tensor(node.output()).info.shape;
  if (node.op == Op::linear) {
    const auto rows = static_cast<int32_t>(element_count(x) / x.back());
    return {.input_h = rows,
            .input_w = 1,
            .input_channels = x.back(),
            .output_h = rows,
            .output_w = 1,
            .output_channels = y.back()};
  }
  return {.batch = x[0],
          .input_h = x[1],
          .input_w = x[2],
          .input_channels = x[3],
          .output_h = y[1],
          .output_w = y[2],
          .output_channels = y[3],
          .groups = a.groups,
          .window = a.window};
}

// About how long a fast core takes: it does some 50 multiply-accumulates a nanosecond in depthwise
// layers, and some 200 in others.
double estimated_ns(const ConvGeometry& g) {
  const double macs = static_cast<double>(g.batch) * g.output_h * g.output_w * g.output_channels *
                      g.window.kernel_h * g.window.kernel_w * (g.input_channels / g.groups);
  return macs / (g.groups == g.input_channels ? 50.0 : 200.0);
}

class ConvStep final : public Step {
 public:
  static StepResult make(const StepContext& context, const NodeRecord& node) {
    auto step = std::unique_ptr<ConvStep>(new ConvStep(context, node));
    if (auto ok = step->prepare(context, node); !ok)
      return fail("node '" + node.name + "': " + ok.error().message);
    return step;
  }

  Expected<void> run() override {
    pool_.share_out(items_, cost_, [&](kernels::Range items, std::size_t thread) {
      kernel_->run(params_, packed_, buffers_, items, scratch_.of_thread(thread));
    });
    return {};
  }

  std::size_t scratch_bytes() const override { return scratch_bytes_; }
  void set_scratch(const Scratch& scratch) override { scratch_ = scratch; }
  std::size_t packed_bytes() const override { return packed_bytes_; }
  void pack(std::byte* to) const override { kernel_->pack(params_, to); }
  void set_packed_weights(const std::byte* packed) override { packed_ = packed; }
  void set_next_weights(const std::byte* weights) override { buffers_.next_weights = weights; }

 private:
  ConvStep(const StepContext& context, const NodeRecord& node) : pool_(context.pool) {
    const auto& a = std::get<ConvAttributes>(node.attributes);
    const TensorRecord& x = context.tensor(node.inputs[0]);
    const TensorRecord& weight = context.tensor(node.inputs[1]);
    const TensorRecord& y = context.tensor(node.output());
    const bool to_u8 = y.info.type == Type::u8;

    params_.geometry = geometry_of(context, node);
    params_.weights = {.values = weight.values<int8_t>(),
                       .bias = context.read<int32_t>(node.inputs[2]),
                       .zero_points = weight.channel_zero_points.empty()
                                          ? nullptr
                                          : weight.channel_zero_points.data()};
    set_input_zero_points(x);
    // A filter over several channels has their scales in its weights.
    const bool depthwise = is_depthwise(node.op, a, x.info.shape.back(), y.info.shape.back());
    const bool by_channel = y.has_channel_scales();
    const float inverse = to_u8 && !by_channel ? 1.0f / y.info.scale : 1.0f;
    // What the sum and the residual are multiplied by, beside their own scales: they are steps of
    // the output, or the operand of the layer's function.
    const float unit = set_function(a.function, inverse);
    const bool in_steps = a.function.form == kernels::FunctionForm::none ||
                          a.function.form == kernels::FunctionForm::slopes;
    if (by_channel) set_channel_output(y, in_steps);
    for (std::size_t o = 0; o < weight.channel_scales.size(); ++o) {
      // The product is multiplied by the inverse of the output's scale, as PyTorch does. A division
      // would sometimes differ in the last bit, and then a byte would differ where a sum lies
      // halfway between two bytes.
      const float input_scale = x.has_channel_scales() && !depthwise ? 1.0f : x.scale_of(o);
      multiplier_.push_back((input_scale * weight.channel_scales[o]) *
                            (by_channel && in_steps ? 1.0f / y.channel_scales[o] : unit));
    }
    params_.multiplier = multiplier_.data();
    params_.output = to_u8 ? kernels::ConvOutput::u8 : kernels::ConvOutput::float32;
    // With zero points of channels, bounds are the ends of a channel's range.
    if (to_u8 && params_.channel_output.factor == nullptr) {
      const TensorInfo first = y.first_channel();
      params_.output_zero_point = first.zero_point;
      params_.output_min = quantized_bound(a.bounds.min, first);
      params_.output_max = by_channel ? 255 : quantized_bound(a.bounds.max, first);
    }
    params_.float_min = a.bounds.min;
    params_.float_max = a.bounds.max;

    if (a.has_residual) {
      const TensorRecord& residual = context.tensor(node.inputs.back());
      params_.has_residual = true;
      params_.residual_zero_point = residual.zero_point_of(0);
      params_.residual_multiplier = a.function.takes_residual
                                        ? residual.info.scale * unit
                                        : residual.scale_of(0) / y.scale_of(0);
      params_.inner_min = a.inner_bounds.min * inverse;
      params_.inner_max = a.inner_bounds.max * inverse;
    }
    for (const ConvKernel* kernel : context.table.convolutions) {
      if (!kernel->supports(params_)) continue;
      kernel_ = kernel;
      break;
    }
  }

  // Channels with the same zero point are like an input with one scale, for which there are more
  // kernels.
  void set_input_zero_points(const TensorRecord& x) {
    params_.input_zero_point = x.zero_point_of(0);
    if (!x.has_channel_scales() || x.has_one_zero_point()) return;
    for (const int32_t zero_point : x.channel_zero_points)
      input_zero_points_.push_back(static_cast<uint8_t>(zero_point));
    params_.input_zero_points = input_zero_points_.data();
  }

  // Sets the function of the kernel's parameters. `inverse` is 1 / s_y. Returns what an operand in
  // real units is multiplied by.
  float set_function(const InnerFunction& from, float inverse) {
    kernels::LayerFunction& function = params_.function;
    function.form = from.form;
    function.takes_residual = from.takes_residual;
    switch (from.form) {
      case kernels::FunctionForm::none:
        return inverse;
      case kernels::FunctionForm::slopes:
        function.slopes = from.numbers.data();
        return inverse;
      case kernels::FunctionForm::hard_swish:
        function.factor = (1.0f / 6.0f) * inverse;
        return 1.0f;
      case kernels::FunctionForm::pieces:
        break;
    }
    function.symmetry = from.symmetry;
    function.offset = from.numbers[1];
    function.term = from.numbers[2] * inverse;
    for (const float number : std::span(from.numbers).subspan(numbers_before_coefficients))
      coefficients_.push_back(number * inverse);
    function.coefficients = coefficients_.data();
    return from.numbers[0];
  }

  // Sets the kernel's parameters for a result with a scale for each channel. `in_steps`: the
  // multipliers have these scales in them, so that only zero points are left to be added, if they
  // differ. Otherwise the function's results are in real units.
  void set_channel_output(const TensorRecord& y, bool in_steps) {
    for (const float scale : y.channel_scales)
      output_factors_.push_back(in_steps ? 1.0f : 1.0f / scale);
    for (const int32_t zero_point : y.channel_zero_points)
      output_zero_points_.push_back(static_cast<float>(zero_point));
    if (in_steps && y.has_one_zero_point()) return;
    params_.channel_output = {.factor = output_factors_.data(),
                              .zero_point = output_zero_points_.data()};
  }

  Expected<void> prepare(const StepContext& context, const NodeRecord& node) {
    const auto input = readable_operand(context, node.inputs[0], constant_input_);
    if (!input) return tl::unexpected(input.error());
    buffers_ = {.input = *input, .output = context.write<std::byte>(node.output())};
    if (params_.has_residual) {
      const auto residual = readable_operand(context, node.inputs.back(), constant_residual_);
      if (!residual) return tl::unexpected(residual.error());
      buffers_.residual = *residual;
    }
    // Each of these calls makes a kernel plan the layer again, so their results are kept.
    scratch_bytes_ = kernel_->scratch_size(params_);
    packed_bytes_ = kernel_->packed_size(params_);
    items_ = kernel_->items(params_);
    cost_ = estimated_ns(params_.geometry);
    return {};
  }

  const ThreadPool& pool_;
  const ConvKernel* kernel_ = nullptr;
  ConvParams params_;
  std::vector<float> multiplier_;
  std::vector<float> coefficients_;
  // For tensors with a scale for each channel.
  std::vector<uint8_t> input_zero_points_;
  std::vector<float> output_factors_;
  std::vector<float> output_zero_points_;
  kernels::ConvBuffers buffers_;
  AlignedBuffer constant_input_;
  AlignedBuffer constant_residual_;
  const std::byte* packed_ = nullptr;
  std::size_t scratch_bytes_ = 0;
  std::size_t packed_bytes_ = 0;
  std::size_t items_ = 0;
  double cost_ = 0;  ///< For ThreadPool::share_out.
  Scratch scratch_;
};

}  // namespace

StepResult make_conv_step(const StepContext& context, const NodeRecord& node) {
  return ConvStep::make(context, node);
}

}  // namespace octet
