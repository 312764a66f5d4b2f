// Checks that hold for every operator.
#include "engine/operator_table.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/engine/functions.h"
#include "tests/graph/run_graph.h"

namespace octet::test {
namespace {

std::vector<Op> operators() {
  std::vector<Op> all;
  for (int i = 0; i < op_count; ++i) all.push_back(static_cast<Op>(i));
  return all;
}

std::string document(const std::string& name) {
  std::ifstream file(std::string(OCTET_SOURCE_DIR) + "/docs/" + name);
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST_CASE("every operator has a row of its own, a name of its own and attributes") {
  std::set<std::string> names;
  for (const Op op : operators()) {
    const Operator& row = row_of(op);
    INFO(row.name);
    CHECK(row.op == op);
    CHECK(names.insert(row.name).second);
    CHECK(default_attributes(op).index() == row.attributes);
    CHECK(row.operands.least >= 1);
    CHECK(row.operands.least <= row.operands.most);
    CHECK(row.range.min < row.range.max);
  }
}

/// The names of the operators whose rows have a trait.
template <class Trait>
std::set<std::string> operators_with(const Trait& trait) {
  std::set<std::string> names;
  for (const Op op : operators()) {
    if (trait(row_of(op))) names.insert(op_name(op));
  }
  return names;
}

// A trait that is forgotten in a row, or stands in a wrong one, changes what octet promises or how
// it scales, without a word. So these lists stand here once more.
TEST_CASE("the traits of operators are those that their arithmetic has") {
  using Names = std::set<std::string>;
  CHECK(operators_with([](const Operator& row) { return !row.is_exact_in_float; }) ==
        Names{"conv2d", "linear"});
  CHECK(operators_with([](const Operator& row) { return !row.has_float_form; }) ==
        Names{"lookup", "quantize", "dequantize", "requantize", "floor_div", "cast", "gather_nd",
              "identity"});
  CHECK(operators_with([](const Operator& row) { return row.moves_values; }) ==
        Names{"max_pool2d", "slice", "pad", "reshape", "transpose", "gather_nd", "top_k",
              "identity"});
  CHECK(operators_with([](const Operator& row) { return row.stays_between; }) ==
        Names{"avg_pool2d", "resize", "quantize", "dequantize", "mean"});
  CHECK(operators_with([](const Operator& row) { return row.results != 1; }) == Names{"top_k"});
}

TEST_CASE("every operator refuses fewer operands than it takes, and the attributes of another") {
  for (const Op op : operators()) {
    const Operator& row = row_of(op);
    INFO(row.name);
    const std::vector<Shape> inputs(row.operands.least - 1U, Shape{1, 4, 4, 3});
    CHECK_FALSE(infer_shape(op, default_attributes(op), inputs));
    const bool is_conv = row.attributes == attributes_index<ConvAttributes>();
    const Attributes others = is_conv ? Attributes(NoAttributes{}) : Attributes(ConvAttributes{});
    const std::vector<Shape> enough(row.operands.least, Shape{1, 4, 4, 3});
    CHECK_FALSE(infer_shape(op, others, enough));
  }
}

/// The first cells of the rows of the contract's table, which name operators in backticks.
std::string contract_rows() {
  const std::string text = document("quantization.md");
  std::string cells;
  static const std::regex first_cell("\n\\| ([^|]*) \\|");
  for (auto row = std::sregex_iterator(text.begin(), text.end(), first_cell);
       row != std::sregex_iterator(); ++row)
    cells += (*row)[1].str() + "\n";
  return cells;
}

bool names(const std::string& text, Op op) {
  return text.find("`" + std::string(op_name(op)) + "`") != std::string::npos;
}

TEST_CASE("every operator has a row in the contract of arithmetic") {
  const std::string rows = contract_rows();
  for (const Op op : operators()) {
    if (op == Op::identity) continue;  // removed before a model is written
    INFO(op_name(op));
    CHECK(names(rows, op));
  }
}

// Both documents have to name it: a framework gives it to octet in the exchange format, and the
// contract says what it computes.
TEST_CASE("every function of one value is in the contract of arithmetic and the exchange format") {
  const std::string rows = contract_rows();
  const std::string format = document("float_export.md");
  for (const Op op : functions_of_one_value()) {
    INFO(op_name(op));
    CHECK(names(format, op));
    CHECK(std::regex_search(rows, std::regex("`" + std::string(op_name(op)) + "`.* of float32")));
  }
}

// An operator that is missing in one of the two places would compute another function there.
TEST_CASE("every function of one value is the same function in int8 and in float") {
  constexpr float scale = 1.0F / 32;
  constexpr Quantization result = {.scale = 0.0625F, .zero_point = 128};
  for (const Op op : functions_of_one_value()) {
    INFO(op_name(op));
    GraphMaker m;
    const auto x = m.input({1, 256}, Quantization{.scale = scale, .zero_point = 128});
    const auto y = m.node("y", op, function_attributes(op, 0.375F), {x});
    m.scale(y, result.scale, result.zero_point);
    const Graph graph = m.finish({y});
    Values levels;
    for (int q = 0; q < 256; ++q) levels.push_back(scale * static_cast<float>(q - 128));
    const Values in_float = run(build(graph, {.float_only = true}), {levels}).at(0);
    const Values in_int8 = run(build(graph), {levels}).at(0);
    std::set<float> different;
    for (std::size_t i = 0; i < 256; ++i) {
      if (!std::isfinite(in_float[i])) continue;
      const float held = std::clamp(in_float[i], -128 * result.scale, 127 * result.scale);
      CHECK(std::abs(in_int8[i] - held) <= 0.51F * result.scale);
      different.insert(in_float[i]);
    }
    CHECK(different.size() > 20);
  }
}

TEST_CASE("a function whose results stay within -1 and 1 says so in its row") {
  for (const Op op : functions_of_one_value()) {
    INFO(op_name(op));
    GraphMaker m;
    const auto x = m.input({1, 4});
    const Graph graph = m.finish({m.node("y", op, function_attributes(op, 0.375F), {x})});
    const Values far = {-1e6F, -1e3F, 1e3F, 1e6F};
    const Values results = run(build(graph, {.float_only = true}), {far}).at(0);
    const bool is_bounded = std::ranges::all_of(results, [](float y) { return std::abs(y) <= 1; });
    CHECK(row_of(op).range.bounded() == is_bounded);
  }
}

TEST_CASE("results whose range is known stay within it") {
  Values values;
  for (int i = 0; i < 64; ++i) values.push_back(static_cast<float>(i - 32));
  for (const Op op : operators()) {
    const Bounds range = row_of(op).range;
    if (!range.bounded()) continue;
    INFO(op_name(op));
    GraphMaker m;
    const auto x = m.input({1, 64});
    Attributes attributes = default_attributes(op);
    if (auto* a = std::get_if<AxisAttributes>(&attributes)) a->axis = 1;
    const Graph graph = m.finish({m.node("y", op, attributes, {x})});
    const Values results = run(build(graph, {.float_only = true}), {values}).at(0);
    for (const float y : results) {
      CHECK(y >= range.min);
      CHECK(y <= range.max);
    }
  }
}

}  // namespace
}  // namespace octet::test
