#include <algorithm>
#include <array>

#include "engine/broadcast.h"
#include "engine/operator_table.h"
#include "engine/step.h"
#include "engine/top_k.h"

namespace octet {
namespace {

// Values in a work item of an elementwise operator: whole cache lines, and enough work to be worth
// waking a thread for.
constexpr std::size_t item_values = 4096;

// About how long a fast core takes for an elementwise operator (the cost for
// ThreadPool::share_out).
double elements_ns(std::size_t count) { return static_cast<double>(count) / 5; }

// Shares out one row of values in work items, and calls kernel(first, count) for each.
template <class Kernel>
void share_out_elements(const ThreadPool& pool, std::size_t count, const Kernel& kernel) {
  pool.share_out((count + item_values - 1) / item_values, elements_ns(count),
                 [&](kernels::Range items, std::size_t) {
                   const std::size_t begin = items.begin * item_values;
                   kernel(begin, std::min(items.end * item_values, count) - begin);
                 });
}

// A step that calls one captured function. Elementwise operators differ in that call only.
template <class Run>
class CallStep final : public Step {
 public:
  explicit CallStep(Run run) : run_(std::move(run)) {}
  Expected<void> run() override {
    run_();
    return {};
  }

 private:
  Run run_;
};

template <class Run>
StepResult call_step(Run run) {
  return std::make_unique<CallStep<Run>>(std::move(run));
}

// y = kernel(x), for each value.
template <class X, class Y, class Kernel>
StepResult make_loop_step(const StepContext& context, const NodeRecord& node,
                          const Kernel& kernel) {
  const auto count =
      static_cast<std::size_t>(element_count(context.tensor(node.output()).info.shape));
  const auto* from = context.read<X>(node.inputs[0]);
  auto* to = context.write<Y>(node.output());
  return call_step([=, &pool = context.pool] {
    share_out_elements(pool, count, [&](std::size_t begin, std::size_t size) {
      kernel(from + begin, to + begin, size);
    });
  });
}

kernels::AddParams add_params(const TensorInfo& a, const TensorInfo& b, const TensorInfo& y,
                              const Bounds& bounds, bool subtract) {
  const float b_multiplier = b.scale / y.scale;
  return {.a_zero_point = a.zero_point,
          .b_zero_point = b.zero_point,
          .output_zero_point = y.zero_point,
          .a_multiplier = a.scale / y.scale,
          .b_multiplier = subtract ? -b_multiplier : b_multiplier,
          .output_min = quantized_bound(bounds.min, y),
          .output_max = quantized_bound(bounds.max, y)};
}

kernels::MulParams mul_params(const TensorInfo& a, const TensorInfo& b, const TensorInfo& y,
                              const Bounds& bounds) {
  return {.a_zero_point = a.zero_point,
          .b_zero_point = b.zero_point,
          .output_zero_point = y.zero_point,
          .multiplier = (a.scale * b.scale) / y.scale,
          .output_min = quantized_bound(bounds.min, y),
          .output_max = quantized_bound(bounds.max, y)};
}

// Threads share a single long row by elements, and many rows by rows. On short rows, a kernel would
// spend most of its time on its start. So if one operand is the same for all rows (such as a factor
// for each channel, for all pixels), the kernel gets several rows as one: that operand is repeated
// in scratch memory as many times.
template <class Params>
class BinaryStep final : public Step {
 public:
  using Kernel = void (*)(const Params& params, const kernels::BinaryRow& row);

  BinaryStep(const StepContext& context, const NodeRecord& node, const Params& params,
             Kernel kernel)
      : pool_(context.pool),
        params_(params),
        kernel_(kernel),
        plan_(plan_broadcast(context.tensor(node.inputs[0]).info.shape,
                             context.tensor(node.inputs[1]).info.shape,
                             context.tensor(node.output()).info.shape)),
        operands_{context.read<uint8_t>(node.inputs[0]), context.read<uint8_t>(node.inputs[1])},
        output_(context.write<uint8_t>(node.output())) {
    const bool whole_rows = plan_.outer_rank == 1 && plan_.stride[0] == 1 && plan_.stride[1] == 1;
    for (const std::size_t operand : {std::size_t{0}, std::size_t{1}}) {
      const bool repeats = plan_.outer_stride[operand][0] == 0 &&
                           plan_.outer_stride[1 - operand][0] == plan_.row_size;
      if (!whole_rows || !repeats) continue;
      repeated_ = operand;
      rows_at_once_ = std::clamp<std::size_t>(item_values / plan_.row_size, 1, plan_.rows);
    }
  }

  std::size_t scratch_bytes() const override {
    return rows_at_once_ > 1 ? rows_at_once_ * plan_.row_size + kernels::overread : 0;
  }
  void set_scratch(const Scratch& scratch) override { scratch_ = scratch; }

  Expected<void> run() override {
    if (plan_.rows == 1) {
      share_out_elements(pool_, plan_.row_size, [&](std::size_t begin, std::size_t count) {
        kernel_(params_, row(0, begin, count));
      });
      return {};
    }
    const std::size_t items = (plan_.rows + rows_at_once_ - 1) / rows_at_once_;
    pool_.share_out(items, elements_ns(plan_.rows * plan_.row_size),
                    [&](kernels::Range range, std::size_t thread) { run_items(range, thread); });
    return {};
  }

 private:
  kernels::BinaryRow row(std::size_t index, std::size_t begin, std::size_t count) const {
    return {.a = operands_[0] + plan_.offset(0, index) + begin * plan_.stride[0],
            .b = operands_[1] + plan_.offset(1, index) + begin * plan_.stride[1],
            .output = output_ + index * plan_.row_size + begin,
            .count = count,
            .a_stride = plan_.stride[0],
            .b_stride = plan_.stride[1]};
  }

  void run_items(kernels::Range items, std::size_t thread) const {
    const uint8_t* copies = nullptr;
    if (rows_at_once_ > 1) {
      auto* to = reinterpret_cast<uint8_t*>(scratch_.of_thread(thread));
      copies = to;
      for (std::size_t i = 0; i < rows_at_once_; ++i) {
        to = std::copy_n(operands_[repeated_], plan_.row_size, to);
      }
    }
    for (std::size_t item = items.begin; item < items.end; ++item) {
      const std::size_t first = item * rows_at_once_;
      const std::size_t rows = std::min(rows_at_once_, plan_.rows - first);
      kernels::BinaryRow many = row(first, 0, rows * plan_.row_size);
      if (copies != nullptr) (repeated_ == 0 ? many.a : many.b) = copies;
      kernel_(params_, many);
    }
  }

  const ThreadPool& pool_;
  Params params_;
  Kernel kernel_;
  BroadcastPlan plan_;
  std::array<const uint8_t*, 2> operands_;
  uint8_t* output_;
  std::size_t rows_at_once_ = 1;
  std::size_t repeated_ = 0;  ///< The operand that is the same for all rows, if rows_at_once_ > 1.
  Scratch scratch_;
};

}  // namespace

StepResult make_binary_step(const StepContext& context, const NodeRecord& node) {
  const TensorInfo a = context.tensor(node.inputs[0]).first_channel();
  const TensorInfo b = context.tensor(node.inputs[1]).first_channel();
  const TensorInfo y = context.tensor(node.output()).first_channel();
  const Bounds bounds = std::get<BinaryAttributes>(node.attributes).bounds;
  const auto sum = [&](bool subtracts) -> StepResult {
    return std::make_unique<BinaryStep<kernels::AddParams>>(
        context, node, add_params(a, b, y, bounds, subtracts), context.table.add);
  };
  switch (row_of(node.op).arithmetic) {
    case Arithmetic::add:
      return sum(false);
    case Arithmetic::sub:
      return sum(true);
    case Arithmetic::mul:
      return std::make_unique<BinaryStep<kernels::MulParams>>(
          context, node, mul_params(a, b, y, bounds), context.table.mul);
    case Arithmetic::div:
    case Arithmetic::floor_div:
      break;
  }
  return fail("node '" + node.name + "' has no int8 form");
}

StepResult make_quantize_step(const StepContext& context, const NodeRecord& node) {
  const Quantizer quantizer(context.tensor(node.output()),
                            std::get<QuantizeAttributes>(node.attributes));
  // Parts begin with whole pixels.
  const std::size_t channels = std::max(quantizer.channels(), std::size_t{1});
  const auto pixels =
      static_cast<std::size_t>(element_count(context.tensor(node.output()).info.shape)) / channels;
  const auto* from = context.read<float>(node.inputs[0]);
  auto* to = context.write<uint8_t>(node.output());
  return call_step([=, &pool = context.pool, &table = context.table] {
    share_out_elements(pool, pixels, [&](std::size_t begin, std::size_t size) {
      quantizer.run(table, from + begin * channels, to + begin * channels, size * channels);
    });
  });
}

StepResult make_dequantize_step(const StepContext& context, const NodeRecord& node) {
  const TensorInfo& x = context.tensor(node.inputs[0]).info;
  const kernels::DequantizeParams params{.scale = x.scale, .zero_point = x.zero_point};
  return make_loop_step<uint8_t, float>(
      context, node, [=, &table = context.table](const uint8_t* from, float* y, std::size_t size) {
        table.dequantize(params, from, y, size);
      });
}

StepResult make_requantize_step(const StepContext& context, const NodeRecord& node) {
  const TensorInfo& x = context.tensor(node.inputs[0]).info;
  const TensorInfo& y = context.tensor(node.output()).info;
  const Bounds bounds = std::get<ClipAttributes>(node.attributes).bounds;
  const kernels::RequantizeParams params{.input_zero_point = x.zero_point,
                                         .output_zero_point = y.zero_point,
                                         .multiplier = x.scale / y.scale,
                                         .output_min = quantized_bound(bounds.min, y),
                                         .output_max = quantized_bound(bounds.max, y)};
  return make_loop_step<uint8_t, uint8_t>(
      context, node,
      [=, &table = context.table](const uint8_t* from, uint8_t* to, std::size_t size) {
        table.requantize(params, from, to, size);
      });
}

StepResult make_lookup_step(const StepContext& context, const NodeRecord& node) {
  const auto* entries = context.read<uint8_t>(node.inputs[1]);
  return make_loop_step<uint8_t, uint8_t>(
      context, node,
      [=, &table = context.table](const uint8_t* from, uint8_t* to, std::size_t size) {
        table.lookup(entries, from, to, size);
      });
}

StepResult make_pool_step(const StepContext& context, const NodeRecord& node) {
  const auto& a = std::get<PoolAttributes>(node.attributes);
  const TensorInfo x = context.tensor(node.inputs[0]).first_channel();
  const TensorInfo y = context.tensor(node.output()).first_channel();
  const kernels::PoolParams params{.batch = x.shape[0],
                                   .input_h = x.shape[1],
                                   .input_w = x.shape[2],
                                   .channels = x.shape[3],
                                   .output_h = y.shape[1],
                                   .output_w = y.shape[2],
                                   .window = a.window,
                                   .output_min = quantized_bound(a.bounds.min, y),
                                   .output_max = quantized_bound(a.bounds.max, y),
                                   .count_include_pad = a.count_include_pad,
                                   .input_scale = x.scale,
                                   .output_scale = y.scale,
                                   .input_zero_point = x.zero_point,
                                   .output_zero_point = y.zero_point};
  AlignedBuffer constant;
  const auto operand = readable_operand(context, node.inputs[0], constant);
  if (!operand) return fail("node '" + node.name + "': " + operand.error().message);
  const uint8_t* from = *operand;
  auto* to = context.write<uint8_t>(node.output());
  const auto rows = static_cast<std::size_t>(y.shape[0]) * static_cast<std::size_t>(y.shape[1]);
  const double cost = elements_ns(static_cast<std::size_t>(element_count(y.shape)) *
                                  static_cast<std::size_t>(a.window.kernel_h * a.window.kernel_w)) /
                      4;
  const auto kernel = node.op == Op::max_pool ? context.table.max_pool : context.table.average_pool;
  const ThreadPool& pool = context.pool;
  return call_step([=, &pool, kept = std::move(constant)] {
    pool.share_out(rows, cost,
                   [&](kernels::Range range, std::size_t) { kernel(params, from, to, range); });
  });
}

StepResult make_row_step(const StepContext& context, const NodeRecord& node) {
  const TensorInfo& x = context.tensor(node.inputs[0]).info;
  const TensorInfo& y = context.tensor(node.outputs[0]).info;
  const auto& a = std::get<AxisAttributes>(node.attributes);
  const auto axis = static_cast<std::size_t>(a.axis);
  const auto extent = static_cast<std::size_t>(x.shape[axis]);
  const auto inner = static_cast<std::size_t>(element_count(std::span(x.shape).subspan(axis + 1)));
  const std::size_t rows = static_cast<std::size_t>(element_count(x.shape)) / extent;
  const double cost = elements_ns(rows * extent) * 10;
  const ThreadPool& pool = context.pool;
  const kernels::KernelTable& table = context.table;

  if (node.op != Op::softmax) {
    const TopKParams params{.value_bytes = type_size(x.type),
                            .largest = a.largest,
                            .k = static_cast<std::size_t>(a.k),
                            .extent = extent,
                            .inner = inner};
    // An argmax gives places alone.
    auto* values = node.op == Op::top_k ? context.write<std::byte>(node.outputs[0]) : nullptr;
    const auto* from = context.read<std::byte>(node.inputs[0]);
    auto* places = context.write<int32_t>(node.outputs.back());
    return call_step([=, &pool, &table] {
      pool.share_out(rows, cost, [&](kernels::Range range, std::size_t) {
        if (values != nullptr) return select_top_k(params, from, values, places, range);
        for (std::size_t row = range.begin; row < range.end; ++row) {
          const std::size_t first = row / inner * extent * inner + row % inner;
          places[row] =
              params.value_bytes == 1
                  ? table.argmax_u8(reinterpret_cast<const uint8_t*>(from) + first, extent, inner)
                  : table.argmax_float(reinterpret_cast<const float*>(from) + first, extent, inner);
        }
      });
    });
  }
  if (x.type == Type::f32) {
    const auto* from = context.read<float>(node.inputs[0]);
    auto* to = context.write<float>(node.output());
    return call_step([=, &pool, &table] {
      pool.share_out(rows, cost, [&](kernels::Range range, std::size_t) {
        table.softmax_float(from + range.begin * extent, to + range.begin * extent,
                            range.end - range.begin, extent);
      });
    });
  }
  kernels::SoftmaxParams params{.table = context.read<float>(node.inputs[1]),
                                .quantized = y.type == Type::u8};
  if (params.quantized) params.output = quantize_params(y);
  const auto* from = context.read<uint8_t>(node.inputs[0]);
  auto* to = context.write<std::byte>(node.output());
  const std::size_t row_bytes = extent * type_size(y.type);
  return call_step([=, &pool, &table] {
    pool.share_out(rows, cost, [&](kernels::Range range, std::size_t) {
      for (std::size_t row = range.begin; row < range.end; ++row) {
        table.softmax(params, from + row * extent, to + row * row_bytes, extent);
      }
    });
  });
}

}  // namespace octet
