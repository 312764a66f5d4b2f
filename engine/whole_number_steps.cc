// Arithmetic of whole numbers (s32): the places that an argmax found, and what is computed of them.
// Plain loops: there are few of them, and they have to be exact.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/broadcast.h"
#include "engine/step.h"

namespace octet {
namespace {

// Nanoseconds a value (ThreadPool::share_out).
constexpr double arithmetic_ns = 1;

int32_t wrapped(uint32_t bits) { return static_cast<int32_t>(bits); }
uint32_t bits_of(int32_t value) { return static_cast<uint32_t>(value); }

// Beyond 32 bits they wrap around, as two's complement does. b is not 0.
int32_t add(int32_t a, int32_t b) { return wrapped(bits_of(a) + bits_of(b)); }
int32_t subtract(int32_t a, int32_t b) { return wrapped(bits_of(a) - bits_of(b)); }
int32_t multiply(int32_t a, int32_t b) { return wrapped(bits_of(a) * bits_of(b)); }
int32_t divide(int32_t a, int32_t b) { return b == -1 ? subtract(0, a) : a / b; }
int32_t floor_divide(int32_t a, int32_t b) {
  const int32_t quotient = divide(a, b);
  const bool cut_upwards = (a < 0) != (b < 0) && multiply(quotient, b) != a;
  return cut_upwards ? quotient - 1 : quotient;
}

using Function = int32_t (*)(int32_t a, int32_t b);

template <Function function>
void loop(const int32_t* a, std::size_t a_step, const int32_t* b, std::size_t b_step, int32_t* y,
          std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) y[i] = function(a[i * a_step], b[i * b_step]);
}

using Loop = void (*)(const int32_t* a, std::size_t a_step, const int32_t* b, std::size_t b_step,
                      int32_t* y, std::size_t count);

Loop choose_loop(Op op) {
  switch (op) {
    case Op::add:
      return loop<add>;
    case Op::sub:
      return loop<subtract>;
    case Op::mul:
      return loop<multiply>;
    case Op::div:
      return loop<divide>;
    default:
      return loop<floor_divide>;
  }
}

class WholeBinaryStep final : public Step {
 public:
  WholeBinaryStep(const StepContext& context, const NodeRecord& node)
      : pool_(context.pool),
        path_(context.model.path),
        node_(node),
        loop_(choose_loop(node.op)),
        divides_(node.op == Op::div || node.op == Op::floor_div),
        plan_(plan_broadcast(context.tensor(node.inputs[0]).info.shape,
                             context.tensor(node.inputs[1]).info.shape,
                             context.tensor(node.output).info.shape)),
        operands_{context.read<int32_t>(node.inputs[0]), context.read<int32_t>(node.inputs[1])},
        divisors_(
            static_cast<std::size_t>(element_count(context.tensor(node.inputs[1]).info.shape))),
        output_(context.write<int32_t>(node.output)) {}

  Expected<void> run() override {
    if (divides_ &&
        std::find(operands_[1], operands_[1] + divisors_, 0) != operands_[1] + divisors_)
      return fail(path_ + ": node '" + node_.name + "' (" + op_name(node_.op) +
                  ") divides by 0: the model computes a divisor that it cannot divide by from this "
                  "input");
    pool_.share_out(plan_.rows, static_cast<double>(plan_.rows * plan_.row_size) * arithmetic_ns,
                    [&](kernels::Range rows, std::size_t) {
                      for (std::size_t row = rows.begin; row < rows.end; ++row) {
                        loop_(operands_[0] + plan_.offset(0, row), plan_.step[0],
                              operands_[1] + plan_.offset(1, row), plan_.step[1],
                              output_ + row * plan_.row_size, plan_.row_size);
                      }
                    });
    return {};
  }

 private:
  const ThreadPool& pool_;
  const std::string& path_;
  const NodeRecord& node_;
  Loop loop_;
  bool divides_;
  BroadcastPlan plan_;
  std::array<const int32_t*, 2> operands_;
  std::size_t divisors_;
  int32_t* output_;
};

// Towards 0; what s32 does not hold becomes its nearest number, NaN 0.
int32_t whole_number(float x) {
  constexpr float limit = 0x1p31F;
  if (std::isnan(x)) return 0;
  if (x >= limit) return std::numeric_limits<int32_t>::max();
  return x < -limit ? std::numeric_limits<int32_t>::min() : static_cast<int32_t>(x);
}

class CastStep final : public Step {
 public:
  CastStep(const StepContext& context, const NodeRecord& node)
      : to_float_(context.tensor(node.output).info.type == Type::f32),
        input_(context.read<std::byte>(node.inputs[0])),
        output_(context.write<std::byte>(node.output)),
        count_(static_cast<std::size_t>(element_count(context.tensor(node.output).info.shape))) {}

  Expected<void> run() override {
    if (to_float_) {
      std::transform(whole(input_), whole(input_) + count_, reinterpret_cast<float*>(output_),
                     [](int32_t x) { return static_cast<float>(x); });
    } else {
      const auto* x = reinterpret_cast<const float*>(input_);
      std::transform(x, x + count_, reinterpret_cast<int32_t*>(output_), whole_number);
    }
    return {};
  }

 private:
  static const int32_t* whole(const std::byte* values) {
    return reinterpret_cast<const int32_t*>(values);
  }

  bool to_float_;
  const std::byte* input_;
  std::byte* output_;
  std::size_t count_;
};

}  // namespace

StepResult make_whole_number_step(const StepContext& context, const NodeRecord& node) {
  if (node.op == Op::cast) return std::make_unique<CastStep>(context, node);
  return std::make_unique<WholeBinaryStep>(context, node);
}

}  // namespace octet
