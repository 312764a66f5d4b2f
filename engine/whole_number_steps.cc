// Arithmetic of whole numbers (s32): places that an argmax found, and numbers that are computed
// from them. Each value takes a function call, which is good enough: there are few of them, and
// they have to be exact.
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "engine/broadcast.h"
#include "engine/operator_table.h"
#include "engine/step.h"

namespace octet {
namespace {

int32_t wrapped(uint32_t bits) { return static_cast<int32_t>(bits); }
uint32_t bits_of(int32_t value) { return static_cast<uint32_t>(value); }

// Results beyond 32 bits wrap around, as in two's complement. b is not 0.
int32_t add(int32_t a, int32_t b) { return wrapped(bits_of(a) + bits_of(b)); }
int32_t subtract(int32_t a, int32_t b) { return wrapped(bits_of(a) - bits_of(b)); }
int32_t multiply(int32_t a, int32_t b) { return wrapped(bits_of(a) * bits_of(b)); }
int32_t divide(int32_t a, int32_t b) { return b == -1 ? subtract(0, a) : a / b; }
int32_t floor_divide(int32_t a, int32_t b) {
  const int32_t quotient = divide(a, b);
  const bool cut_upwards = (a < 0) != (b < 0) && multiply(quotient, b) != a;
  return cut_upwards ? quotient - 1 : quotient;
}

// Rounds towards 0. Numbers outside of s32 become the nearest s32 number, NaN becomes 0.
int32_t whole_number(float x) {
  constexpr float limit = 0x1p31F;
  if (std::isnan(x)) return 0;
  if (x >= limit) return std::numeric_limits<int32_t>::max();
  return x < -limit ? std::numeric_limits<int32_t>::min() : static_cast<int32_t>(x);
}

// The casts. The s32 that stands for a float has its bits.
int32_t from_float(int32_t x, int32_t) { return whole_number(std::bit_cast<float>(x)); }
int32_t to_float(int32_t x, int32_t) { return std::bit_cast<int32_t>(static_cast<float>(x)); }

using WholeFunction = int32_t (*)(int32_t a, int32_t b);

WholeFunction function_of(Op op, Type result) {
  if (op == Op::cast) return result == Type::f32 ? to_float : from_float;
  switch (row_of(op).arithmetic) {
    case Arithmetic::add:
      return add;
    case Arithmetic::sub:
      return subtract;
    case Arithmetic::mul:
      return multiply;
    case Arithmetic::div:
      return divide;
    case Arithmetic::floor_div:
      return floor_divide;
  }
  return nullptr;
}

class WholeNumberStep final : public Step {
 public:
  WholeNumberStep(const StepContext& context, const NodeRecord& node)
      : model_(context.model),
        node_(node),
        function_(function_of(node.op, context.tensor(node.output()).info.type)),
        plan_(plan_broadcast(context.tensor(node.inputs[0]).info.shape,
                             context.tensor(node.inputs.back()).info.shape,
                             context.tensor(node.output()).info.shape)),
        operands_{context.read<int32_t>(node.inputs[0]), context.read<int32_t>(node.inputs.back())},
        output_(context.write<int32_t>(node.output())) {
    if (node.op == Op::div || node.op == Op::floor_div)
      divisors_ = element_count(context.tensor(node.inputs[1]).info.shape);
  }

  Expected<void> run() override {
    for (int64_t i = 0; i < divisors_; ++i) {
      if (operands_[1][i] == 0)
        return run_error(model_, node_, "divides by 0, computed from this input");
    }
    int32_t* y = output_;
    for (std::size_t row = 0; row < plan_.rows; ++row) {
      const int32_t* a = operands_[0] + plan_.offset(0, row);
      const int32_t* b = operands_[1] + plan_.offset(1, row);
      for (std::size_t i = 0; i < plan_.row_size; ++i, a += plan_.stride[0], b += plan_.stride[1])
        *y++ = function_(*a, *b);
    }
    return {};
  }

 private:
  const Model::Data& model_;
  const NodeRecord& node_;
  WholeFunction function_;
  BroadcastPlan plan_;
  std::array<const int32_t*, 2> operands_;
  int64_t divisors_ = 0;
  int32_t* output_;
};

}  // namespace

StepResult make_whole_number_step(const StepContext& context, const NodeRecord& node) {
  return std::make_unique<WholeNumberStep>(context, node);
}

}  // namespace octet
