#include "graph/inner_function.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "engine/operator_table.h"
#include "graph/function_group.h"

namespace octet::graph {
namespace {

using kernels::FunctionForm;
using kernels::Symmetry;

constexpr int pieces = kernels::function_pieces;
constexpr int coefficients = kernels::piece_coefficients;

// How far a function may be from its form, in steps of the result.
constexpr double most_steps = 0.1;
// How far it may be from its asymptotes where they begin. The sooner they begin, the shorter the
// pieces are.
constexpr std::array<double, 5> steps_at_ends = {0.09, 0.06, 0.04, 0.02, 0.01};
// Asymptotes begin within this distance of 0, or the function has no pieces.
constexpr double farthest = 64;
// Where asymptotes are looked at.
constexpr double far_away = 4096;

struct Line {
  double slope = 0;
  double constant = 0;
  double at(double x) const { return slope * x + constant; }
};

// A function of one value with a fixed parameter, and what of its results matters.
class Target {
 public:
  Target(Function function, float value, ResultRange range)
      : function_(function), value_(double{value}), range_(range) {}

  double exact(double x) const { return graph::evaluate(function_, value_, x); }
  double clipped(double y) const { return std::clamp(y, range_.low, range_.high); }

  // The line that the function comes close to on the side of `sign`. Where it grows faster than any
  // line, or ends, it is a constant: the farthest value that matters.
  Line asymptote(double sign) const {
    const double near = exact(sign * far_away);
    const double far = exact(sign * 2 * far_away);
    const double slope = (far - near) / (sign * far_away);
    if (std::isfinite(slope) && std::abs(slope) <= 2)
      return {.slope = slope, .constant = near - slope * sign * far_away};
    const double at_end = exact(sign * farthest);
    return {.constant = std::isnan(at_end) || at_end > 0 ? range_.high : range_.low};
  }

  // The operand nearest to 0 from which on, on the side of `sign`, the line is as good as the
  // function. Nothing if there is none within `farthest`.
  std::optional<double> begin_of(const Line& line, double sign, double tolerance) const {
    constexpr double grid = 1.0 / 64;
    const auto is_good = [&](double x) {
      return std::abs(clipped(exact(x)) - clipped(line.at(x))) <= tolerance;
    };
    double x = farthest;
    if (!is_good(sign * x) || !is_good(sign * far_away)) return std::nullopt;
    while (x > -farthest && is_good(sign * (x - grid))) x -= grid;
    return sign * x;
  }

 private:
  Function function_;
  double value_;
  ResultRange range_;
};

using Polynomial = std::array<double, coefficients>;

// The polynomial of u = -0.5 to 0.5 through y(u) at the Chebyshev nodes, by Newton's divided
// differences.
template <class Y>
Polynomial interpolate(const Y& y) {
  Polynomial nodes{};
  Polynomial differences{};
  for (std::size_t i = 0; i < coefficients; ++i) {
    nodes[i] = 0.5 * std::cos(std::numbers::pi * (2 * static_cast<double>(i) + 1) /
                              (2 * static_cast<double>(coefficients)));
    differences[i] = y(nodes[i]);
  }
  for (std::size_t order = 1; order < coefficients; ++order) {
    for (std::size_t i = coefficients; i-- > order;)
      differences[i] = (differences[i] - differences[i - 1]) / (nodes[i] - nodes[i - order]);
  }
  Polynomial result{};
  for (std::size_t i = coefficients; i-- > 0;) {
    // result = result * (u - nodes[i]) + differences[i]
    for (std::size_t k = coefficients; k-- > 0;)
      result[k] = (k > 0 ? result[k - 1] : 0.0) - nodes[i] * result[k];
    result[0] += differences[i];
  }
  return result;
}

// The same polynomial as a function of t = u + by.
Polynomial shifted(const Polynomial& of_u, double by) {
  Polynomial result{};
  for (std::size_t i = coefficients; i-- > 0;) {
    // result = result * (t - by) + of_u[i]
    for (std::size_t k = coefficients; k-- > 0;)
      result[k] = (k > 0 ? result[k - 1] : 0.0) - by * result[k];
    result[0] += of_u[i];
  }
  return result;
}

// What the kernels compute, up to float32's rounding of the operand.
double piecewise(const InnerFunction& f, double x) {
  const bool is_symmetric = f.symmetry != Symmetry::none;
  const float t = std::fma(static_cast<float>(x), f.numbers[0], f.numbers[1]);
  const float folded = is_symmetric ? std::abs(t) : t;
  const auto piece = static_cast<std::size_t>(
      std::nearbyint(std::clamp(folded, 0.0F, static_cast<float>(pieces - 1))));
  const float* a = f.numbers.data() + numbers_before_coefficients + piece;
  float v = a[(coefficients - 1) * pieces];
  for (int k = coefficients - 2; k >= 0; --k) v = std::fma(v, folded, a[k * pieces]);
  if (f.symmetry == Symmetry::even) v = std::fma(std::max(t, 0.0F), f.numbers[2], v);
  if (f.symmetry == Symmetry::odd) v = (std::signbit(t) ? -v : v) + f.numbers[2];
  return double{v};
}

// Where pieces lie: piece i is about origin + i * width.
struct Grid {
  double origin;
  double width;
  double at(double t) const { return origin + t * width; }
};

// Fills in the pieces of y(x). Pieces before `first` and from `last` on are the lines.
template <class Y>
InnerFunction make_pieces(const Y& y, const Grid& grid, int first, const Line& before,
                          const Line& behind) {
  InnerFunction f{.form = FunctionForm::pieces};
  f.numbers.resize(numbers_before_coefficients + coefficients * pieces);
  f.numbers[0] = static_cast<float>(1 / grid.width);
  f.numbers[1] = static_cast<float>(-grid.origin / grid.width);
  for (int piece = 0; piece < pieces; ++piece) {
    Polynomial polynomial{};
    if (piece < first || piece == pieces - 1) {
      const Line& line = piece < first ? before : behind;
      polynomial = {line.at(grid.at(0)), line.slope * grid.width};
    } else {
      polynomial = shifted(interpolate([&](double u) { return y(grid.at(piece + u)); }), piece);
    }
    for (int k = 0; k < coefficients; ++k) {
      f.numbers[numbers_before_coefficients + static_cast<std::size_t>(k * pieces + piece)] =
          static_cast<float>(polynomial[static_cast<std::size_t>(k)]);
    }
  }
  return f;
}

// The largest difference between a form and its function, where it matters.
double error_of(const InnerFunction& f, const Target& target, const Grid& grid) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  double largest = 0;
  const auto look_at = [&](double x) {
    const double difference =
        std::abs(target.clipped(piecewise(f, x)) - target.clipped(target.exact(x)));
    largest = std::isnan(difference) ? infinity : std::max(largest, difference);
  };
  constexpr int samples = 64;
  const double reach = std::max(std::abs(grid.at(-0.5)), std::abs(grid.at(pieces - 0.5)));
  for (int i = -samples * pieces; i <= samples * pieces; ++i)
    look_at(reach * i / (samples * pieces));
  for (double x = reach; x < far_away; x *= 1.1) {
    look_at(x);
    look_at(-x);
  }
  return largest;
}

struct Fit {
  InnerFunction form;
  double error = 0;
};

// Pieces of |x|: what remains of the function beside a line of its positive half, or half of a
// function that is odd about its value at 0.
std::optional<Fit> fit_half(const Target& target, double tolerance) {
  const Line behind = target.asymptote(1);
  const Line before = target.asymptote(-1);
  const double middle = target.exact(0);
  // For negative x it goes on as it is for positive ones, so that it has no bend at 0.
  const auto rest = [&](double x) { return target.exact(x) - behind.slope * x; };
  const auto is_even = [&](double x) { return std::abs(rest(x) - target.exact(-x)) <= 1e-9; };
  const auto is_odd = [&](double x) {
    return std::abs(target.exact(x) + target.exact(-x) - 2 * middle) <= 1e-9;
  };
  bool even = before.slope == 0;
  bool odd = true;
  for (double x = 0.01; x < farthest; x *= 1.3) {
    even = even && is_even(x);
    odd = odd && is_odd(x);
  }
  if (!even && !odd) return std::nullopt;
  const auto end = target.begin_of(behind, 1, tolerance);
  const auto other_end = target.begin_of(before, -1, tolerance);
  if (!end || !other_end) return std::nullopt;
  const Grid grid = {.origin = 0, .width = std::max({*end, -*other_end, 0.1}) / (pieces - 1.5)};
  InnerFunction f;
  if (even) {
    f = make_pieces(rest, grid, 0, {}, {.constant = behind.constant});
    f.symmetry = Symmetry::even;
    f.numbers[2] = static_cast<float>(behind.slope * grid.width);
  } else {
    const Line above = {.slope = behind.slope, .constant = behind.constant - middle};
    f = make_pieces([&](double x) { return target.exact(x) - middle; }, grid, 0, {}, above);
    f.symmetry = Symmetry::odd;
    f.numbers[2] = static_cast<float>(middle);
  }
  f.numbers[1] = 0;  // not -0
  return Fit{.form = f, .error = error_of(f, target, grid)};
}

// Pieces from where one asymptote ends to where the other begins.
std::optional<Fit> fit_whole(const Target& target, double tolerance) {
  const Line before = target.asymptote(-1);
  const Line behind = target.asymptote(1);
  const auto low = target.begin_of(before, -1, tolerance);
  const auto high = target.begin_of(behind, 1, tolerance);
  if (!low || !high) return std::nullopt;
  const double begin = std::min(*low, *high);
  const double width = std::max((std::max(*low, *high) - begin) / (pieces - 2), 1e-3);
  const Grid grid = {.origin = begin - 0.5 * width, .width = width};
  const InnerFunction f =
      make_pieces([&](double x) { return target.exact(x); }, grid, 1, before, behind);
  return Fit{.form = f, .error = error_of(f, target, grid)};
}

// The form with the least error.
std::optional<InnerFunction> fit_pieces(const Target& target, double step) {
  std::optional<Fit> best;
  for (const double steps : steps_at_ends) {
    auto fit = fit_half(target, steps * step);
    if (!fit) fit = fit_whole(target, steps * step);
    if (fit && (!best || fit->error < best->error)) best = std::move(fit);
  }
  if (!best || !(best->error <= most_steps * step)) return std::nullopt;
  return best->form;
}

}  // namespace

std::optional<InnerFunction> fit_inner_function(Op op, float value, ResultRange range,
                                                double step) {
  std::optional<InnerFunction> fitted;
  if (op == Op::hard_swish) {
    fitted = InnerFunction{.form = FunctionForm::hard_swish};
  } else if (op == Op::leaky_relu || op == Op::abs) {
    const float slope = op == Op::abs ? -1 : value;
    fitted = InnerFunction{.form = FunctionForm::slopes, .numbers = {slope}};
  } else {
    // A function without a value for some operand, such as a logarithm, is near no pieces.
    fitted = fit_pieces(Target(row_of(op).function, value, range), step);
  }
  if (!fitted) return std::nullopt;
  fitted->function = op;
  fitted->value = value;
  return fitted;
}

}  // namespace octet::graph
