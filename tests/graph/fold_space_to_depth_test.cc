// A convolution of an image's phases becomes one of the image.
#include <catch2/catch.hpp>

#include "graph/passes/passes.h"
#include "tests/graph/run_graph.h"

namespace octet::test {
namespace {

using graph::fold_space_to_depth;

TensorId slice(GraphMaker& m, const std::string& name, TensorId x, int32_t axis, int32_t begin,
               int32_t stride) {
  const Shape shape = m.graph().tensor(x).shape;
  SliceAttributes a{.begin = {0, 0, 0, 0}, .stride = {1, 1, 1, 1}, .count = shape};
  const auto at = static_cast<std::size_t>(axis);
  a.begin[at] = begin;
  a.stride[at] = stride;
  a.count[at] = (shape[at] - begin + stride - 1) / stride;
  return m.node(name, Op::slice, a, {x});
}

struct Focus {
  Shape image = {2, 12, 8, 3};
  int32_t rows = 2;
  int32_t columns = 2;
  int32_t kernel = 3;
  int32_t stride = 1;
  int32_t padding = 1;
};

/// The phases column by column, as YOLOX has them.
TensorId join_phases(GraphMaker& m, TensorId x, const Focus& f) {
  std::vector<TensorId> phases;
  for (int32_t column = 0; column < f.columns; ++column) {
    for (int32_t row = 0; row < f.rows; ++row) {
      const std::string name = std::to_string(row) + std::to_string(column);
      const TensorId of_rows = slice(m, "rows" + name, x, 1, row, f.rows);
      phases.push_back(slice(m, "columns" + name, of_rows, 2, column, f.columns));
    }
  }
  return m.concat("join", phases, 3);
}

Graph focus(const Focus& f) {
  GraphMaker m;
  const TensorId joined = join_phases(m, m.input(f.image), f);
  return m.finish(
      {m.conv("conv", joined,
              {.channels = 6, .kernel = f.kernel, .stride = f.stride, .padding = f.padding})});
}

bool folds(Graph graph) {
  graph = after_pass(fold_space_to_depth, std::move(graph));
  return graph.nodes.size() == 1;
}

}  // namespace

TEST_CASE("a convolution of an image's phases reads the image, with the same results") {
  for (const auto& [rows, columns] : {std::pair{2, 2}, {1, 2}, {3, 2}, {4, 4}}) {
    for (const int32_t kernel : {1, 3, 5}) {
      for (const int32_t stride : {1, 2}) {
        for (const int32_t padding : {0, kernel / 2}) {
          const Focus f{.image = {2, 6 * rows, 8 * columns, 3},
                        .rows = rows,
                        .columns = columns,
                        .kernel = kernel,
                        .stride = stride,
                        .padding = padding};
          INFO(rows << " x " << columns << ", kernel " << kernel << ", stride " << stride
                    << ", padding " << padding);
          CHECK(folds(focus(f)));
        }
      }
    }
  }
}

TEST_CASE("a folded convolution in int8 is as near to float as without") {
  check_int8_is_near_float(focus({}));
  Graph graph = focus({});
  calibrate(graph);
  const Model model = build(graph);
  CHECK(nodes_of(model) == "x0.quantize:quantize conv:conv2d");
}

TEST_CASE("phases are not folded where others read them, or where they are not whole blocks") {
  SECTION("a pool reads the concat as well") {
    GraphMaker m;
    const TensorId joined = join_phases(m, m.input({1, 8, 8, 3}), {});
    CHECK_FALSE(folds(m.finish({m.conv("conv", joined), m.max_pool("pool", joined)})));
  }
  SECTION("the concat is an output") {
    GraphMaker m;
    const TensorId joined = join_phases(m, m.input({1, 8, 8, 3}), {});
    CHECK_FALSE(folds(m.finish({m.conv("conv", joined), joined})));
  }
  SECTION("an odd number of rows") {
    GraphMaker m;
    const TensorId x = m.input({1, 9, 8, 3});
    const TensorId even = slice(m, "even", x, 1, 0, 2);
    CHECK_FALSE(folds(m.finish({m.conv("conv", m.concat("join", {even, even}, 3))})));
  }
  SECTION("something else is joined") {
    GraphMaker m;
    const TensorId x = m.input({1, 8, 8, 3});
    const TensorId even = slice(m, "even", x, 1, 0, 2);
    const TensorId pooled = m.max_pool("pool", x, {.kernel = 2, .stride = 2});
    CHECK_FALSE(folds(m.finish(
        {m.conv("conv", m.concat("join", {slice(m, "both", even, 2, 0, 2), pooled}, 3))})));
  }
  SECTION("a file rounds a phase") {
    Graph graph = focus({});
    graph.tensor(graph.nodes[1].output()).rounds = true;
    CHECK_FALSE(folds(graph));
  }
}

}  // namespace octet::test
