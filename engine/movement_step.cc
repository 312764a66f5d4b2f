#include <algorithm>
#include <cstring>

#include "engine/movement.h"
#include "engine/step.h"

namespace octet {
namespace {

enum class How : uint8_t {
  copy,
  /// An operand of a concat whose scale or zero point differs from the output's, row by row.
  requantize,
  resize,
};

struct Move {
  How how = How::copy;
  std::size_t items = 1;
  const std::byte* source;
  std::byte* target;
  kernels::CopyParams copy;
  kernels::RequantizeParams requantize;
  double cost = 0;  ///< For ThreadPool::share_out.
};

class MovementStep final : public Step {
 public:
  MovementStep(const StepContext& context, const NodeRecord& node)
      : pool_(context.pool), table_(context.table) {
    const TensorRecord& y = context.tensor(node.output());
    std::vector<Shape> shapes;
    for (const int32_t id : node.inputs) shapes.push_back(context.tensor(id).info.shape);
    const std::size_t element = type_size(y.info.type);
    const MovementPlan plan =
        plan_movement(node.op, node.attributes, shapes, y.info.shape, element);

    target_ = context.write<std::byte>(node.output());
    if (plan.fill_first) set_fill(y, std::get<PadAttributes>(node.attributes).value);
    for (const PlannedCopy& copy : plan.copies) {
      const int32_t id = node.inputs[static_cast<std::size_t>(copy.input)];
      const TensorInfo& x = context.tensor(id).info;
      Move move{.source = context.read<std::byte>(id) +
                          copy.source_offset * static_cast<int64_t>(element),
                .target = target_ + copy.target_offset * static_cast<int64_t>(element),
                .copy = copy.params};
      move.items = static_cast<std::size_t>(copy.params.extent[0]);
      const bool requantizes = x.type == Type::u8 && !y.has_channel_scales() &&
                               (x.scale != y.info.scale || x.zero_point != y.info.zero_point);
      if (requantizes) move.how = How::requantize;
      move.requantize = {.input_zero_point = x.zero_point,
                         .output_zero_point = y.info.zero_point,
                         .multiplier = requantizes ? x.scale / y.info.scale : 1.0f};
      double elements = 1;
      for (int axis = 0; axis < copy.params.rank; ++axis) {
        elements *= static_cast<double>(copy.params.extent[axis]);
      }
      move.cost = elements / 5;
      moves_.push_back(move);
    }
    if (plan.nearest) {
      nearest_ = *plan.nearest;
      moves_.push_back({.how = How::resize,
                        .items = nearest_.rows(),
                        .source = context.read<std::byte>(node.inputs[0]),
                        .target = target_,
                        .cost = static_cast<double>(nearest_.output_bytes()) / 2});
    }
  }

  Expected<void> run() override {
    if (fill_count_ > 0) fill();
    for (const Move& move : moves_) {
      pool_.share_out(move.items, move.cost, [&](kernels::Range items, std::size_t) {
        switch (move.how) {
          case How::copy:
            return table_.copy(move.copy, move.source, move.target, items);
          case How::requantize:
            return requantize(move, items);
          case How::resize:
            return resize_nearest(nearest_, move.source, move.target, items);
        }
      });
    }
    return {};
  }

 private:
  void set_fill(const TensorRecord& y, float value) {
    fill_count_ = static_cast<std::size_t>(element_count(y.info.shape));
    fill_is_byte_ = y.info.type == Type::u8;
    fill_byte_ = fill_is_byte_ ? quantized_bound(value, y.info) : 0;
    fill_value_ = value;
    fill_index_ = y.info.type == Type::s32 ? static_cast<int32_t>(value) : 0;
    fill_is_index_ = y.info.type == Type::s32;
  }

  void fill() {
    if (fill_is_byte_) {
      std::memset(target_, fill_byte_, fill_count_);
    } else if (fill_is_index_) {
      std::fill_n(reinterpret_cast<int32_t*>(target_), fill_count_, fill_index_);
    } else {
      std::fill_n(reinterpret_cast<float*>(target_), fill_count_, fill_value_);
    }
  }

  // Requantizes a range of items of a concat's copy. The source is contiguous. In the target,
  // neighbours along the last axis may lie apart: that axis is the last whose extent is more than
  // 1, and the output may be longer along an axis within it, such as where channels are joined.
  void requantize(const Move& move, kernels::Range items) const {
    const kernels::CopyParams& c = move.copy;
    const int last = c.rank - 1;
    if (last == 0) {
      const auto begin = static_cast<int64_t>(items.begin);
      row(move, begin * c.source_stride[0], begin * c.target_stride[0],
          static_cast<int64_t>(items.end - items.begin));
      return;
    }
    int64_t rows_an_item = 1;
    for (int axis = 1; axis < last; ++axis) rows_an_item *= c.extent[axis];
    for (std::size_t item = items.begin; item < items.end; ++item) {
      for (int64_t r = 0; r < rows_an_item; ++r) {
        int64_t source = static_cast<int64_t>(item) * c.source_stride[0];
        int64_t target = static_cast<int64_t>(item) * c.target_stride[0];
        int64_t rest = r;
        for (int axis = last - 1; axis >= 1; --axis) {
          source += rest % c.extent[axis] * c.source_stride[axis];
          target += rest % c.extent[axis] * c.target_stride[axis];
          rest /= c.extent[axis];
        }
        row(move, source, target, c.extent[last]);
      }
    }
  }

  // Requantizes `count` neighbours along the last axis.
  void row(const Move& move, int64_t source, int64_t target, int64_t count) const {
    const auto* from = reinterpret_cast<const uint8_t*>(move.source + source);
    auto* to = reinterpret_cast<uint8_t*>(move.target + target);
    const int64_t stride = move.copy.target_stride[move.copy.rank - 1];
    if (stride == 1 || count == 1) {
      table_.requantize(move.requantize, from, to, static_cast<std::size_t>(count));
      return;
    }
    constexpr int64_t most_at_once = 256;
    uint8_t together[most_at_once];
    while (count > 0) {
      const int64_t now = std::min(count, most_at_once);
      table_.requantize(move.requantize, from, together, static_cast<std::size_t>(now));
      for (int64_t i = 0; i < now; ++i, to += stride) *to = together[i];
      from += now;
      count -= now;
    }
  }

  const ThreadPool& pool_;
  const kernels::KernelTable& table_;
  std::byte* target_ = nullptr;
  std::vector<Move> moves_;
  NearestResize nearest_;
  std::size_t fill_count_ = 0;
  bool fill_is_byte_ = false;
  bool fill_is_index_ = false;
  uint8_t fill_byte_ = 0;
  float fill_value_ = 0;
  int32_t fill_index_ = 0;
};

}  // namespace

StepResult make_movement_step(const StepContext& context, const NodeRecord& node) {
  return std::make_unique<MovementStep>(context, node);
}

}  // namespace octet
