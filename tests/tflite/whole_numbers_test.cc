// Whole numbers that a TFLite file computes at run time: arithmetic on indices, and gathering with
// them.
#include <catch2/catch.hpp>

#include "loaders/loader.h"
#include "tests/tflite/run_tflite.h"
#include "tests/tools/command_line.h"

namespace octet::test {
namespace {

using tflite::Activation;
using tflite::BuiltinOperator;
using tflite::TensorType;

constexpr TensorType whole_types[] = {TensorType::INT32, TensorType::INT64};

constexpr BuiltinOperator arithmetic[] = {BuiltinOperator::ADD,       BuiltinOperator::SUB,
                                          BuiltinOperator::MUL,       BuiltinOperator::DIV,
                                          BuiltinOperator::FLOOR_DIV, BuiltinOperator::FLOOR_MOD};

/// Finds the places n [1, 5] of the largest values of x [1, 24, 5] along its second axis.
struct Largest {
  TfliteMaker m;
  int32_t x = 0;
  int32_t n = 0;
  TensorType type;

  explicit Largest(TensorType whole, bool bytes = false) : type(whole) {
    x = bytes ? m.activation("x", {1, 24, 5}, TensorType::INT8, 0.05F, -3)
              : m.activation("x", {1, 24, 5});
    m.inputs = {x};
    n = computed("n", {1, 5});
    m.node(BuiltinOperator::ARG_MAX, {x, m.integers("axis", {1})}, {n});
  }

  int32_t computed(const std::string& name, const std::vector<int32_t>& shape) {
    return m.tensor({.name = name, .shape = shape, .type = type});
  }
  int32_t constant(const std::string& name, const std::vector<int32_t>& shape,
                   const std::vector<int64_t>& values) {
    return m.whole_numbers(name, shape, type, values);
  }
};

std::string refusal(const TfliteMaker& m) {
  const TemporaryFolder folder;
  const auto graph = loaders::load(folder.write("model.tflite", m.file()));
  if (!graph) return graph.error().message;
  const auto bytes = graph::build_model(*graph, {.float_only = true});
  if (!bytes) return bytes.error().message;
  const auto model = Model::from_memory(*bytes, "model.tflite");
  return model ? "" : model.error().message;
}

}  // namespace

TEST_CASE("TFLite: arithmetic of indices, with constants on either side and with each other") {
  for (const TensorType type : whole_types) {
    for (const bool bytes : {false, true}) {
      for (const BuiltinOperator code : arithmetic) {
        INFO(tflite::EnumNameBuiltinOperator(code) << " of " << tflite::EnumNameTensorType(type));
        Largest l(type, bytes);
        const int32_t row = l.constant("row", {5}, {7, -7, 2, -1, 48});
        const int32_t one = l.constant("one", {}, {-5});
        const int32_t shifted = l.computed("shifted", {1, 5});
        l.m.node(BuiltinOperator::ADD, {l.n, l.constant("1", {1}, {1})}, {shifted},
                 binary_options(BuiltinOperator::ADD));
        const int32_t a = l.computed("a", {1, 5});
        const int32_t b = l.computed("b", {1, 5});
        const int32_t c = l.computed("c", {1, 5});
        const int32_t d = l.computed("d", {1, 5});
        const TfliteOptions options = binary_options(code);
        l.m.node(code, {l.n, row}, {a}, options).node(code, {a, one}, {b}, options);
        l.m.node(code, {row, shifted}, {c}, options).node(code, {b, shifted}, {d}, options);
        l.m.outputs = {a, b, c, d};
        if (bytes) {
          check_int8(l.m);
        } else {
          check_float(l.m, 1e-7F);
        }
      }
    }
  }
}

TEST_CASE("TFLite: INT32 wraps around as in TensorFlow; INT64 that may leave 32 bits is refused") {
  for (const TensorType type : whole_types) {
    Largest l(type);
    const int32_t y = l.computed("y", {1, 5});
    l.m.node(BuiltinOperator::MUL, {l.n, l.constant("large", {}, {1 << 30})}, {y},
             binary_options(BuiltinOperator::MUL));
    l.m.outputs = {y};
    if (type == TensorType::INT32) {
      check_float(l.m, 1e-7F);
    } else {
      CHECK(contains(refusal(l.m), "'y' (operator 1): MUL of INT64 numbers that 32 bits may not"));
    }
  }
  // The largest number that can be computed from a place is 23 * 90000000.
  Largest l(TensorType::INT64);
  const int32_t y = l.computed("y", {1, 5});
  l.m.node(BuiltinOperator::MUL, {l.n, l.constant("large", {}, {90000000})}, {y},
           binary_options(BuiltinOperator::MUL));
  l.m.outputs = {y};
  check_float(l.m, 1e-7F);
}

TEST_CASE("TFLite: indices become floats and bytes, and floats whole numbers") {
  for (const TensorType type : whole_types) {
    Largest l(type, true);
    const int32_t real = l.m.activation("real", {1, 5});
    const int32_t bytes = l.m.activation("bytes", {1, 5}, TensorType::INT8, 0.1F, -128);
    l.m.node(BuiltinOperator::CAST, {l.n}, {real}).node(BuiltinOperator::QUANTIZE, {real}, {bytes});
    l.m.outputs = {bytes};
    check_int8(l.m, false);
  }
  Largest l(TensorType::INT32);
  const int32_t scaled = l.m.activation("scaled", {1, 24, 5});
  l.m.node(BuiltinOperator::MUL, {l.x, l.m.floats("factor", {1}, {-100.3F})}, {scaled},
           binary_options(BuiltinOperator::MUL));
  const int32_t cut = l.computed("cut", {1, 24, 5});
  l.m.node(BuiltinOperator::CAST, {scaled}, {cut});
  l.m.outputs = {cut};
  check_float(l.m, 1e-7F);
}

TEST_CASE("TFLite: places are joined, cut, turned and padded as floats are") {
  for (const TensorType type : whole_types) {
    Largest l(type);
    const auto node = [&](BuiltinOperator code, const std::vector<int32_t>& inputs,
                          const std::string& name, const std::vector<int32_t>& shape,
                          const TfliteOptions& options = {}) {
      const int32_t y = l.computed(name, shape);
      l.m.node(code, inputs, {y}, options);
      l.m.outputs.push_back(y);
      return y;
    };
    const int32_t list =
        node(BuiltinOperator::RESHAPE, {l.n, l.m.integers("minus one", {-1})}, "list", {5});
    const int32_t packed =
        node(BuiltinOperator::PACK, {l.constant("zeros", {5}, {0, 0, 0, 0, 0}), list, list},
             "packed", {5, 3}, options<tflite::PackOptions>(tflite::CreatePackOptions, 3, 1));
    const int32_t joined =
        node(BuiltinOperator::CONCATENATION,
             {packed, l.constant("channels", {5, 1}, {0, 1, 2, 3, 4})}, "joined", {5, 4},
             options<tflite::ConcatenationOptions>(tflite::CreateConcatenationOptions, 1,
                                                   Activation::NONE));
    const int32_t turned =
        node(BuiltinOperator::TRANSPOSE, {joined, l.m.integers("order", {1, 0})}, "turned", {4, 5});
    node(BuiltinOperator::SLICE,
         {turned, l.m.integers("begin", {1, 2}), l.m.integers("size", {2, 3})}, "cut", {2, 3});
    const int32_t pads = l.m.whole_numbers("pads", {2, 2}, TensorType::INT32, {1, 0, 0, 2});
    node(BuiltinOperator::PADV2, {turned, pads, l.constant("value", {1}, {-7})}, "padded", {5, 7});
    node(BuiltinOperator::PAD, {turned, pads}, "padded with 0", {5, 7});
    const int32_t first = l.computed("first", {5});
    const int32_t second = l.computed("second", {5});
    const int32_t third = l.computed("third", {5});
    l.m.node(BuiltinOperator::UNPACK, {packed}, {first, second, third},
             options<tflite::UnpackOptions>(tflite::CreateUnpackOptions, 3, -1));
    l.m.outputs.insert(l.m.outputs.end(), {first, second, third});
    check_float(l.m, 1e-7F);
  }
}

TEST_CASE("TFLite: UNPACK of floats and of bytes, along any axis") {
  for (const int32_t axis : {0, 1, 2, -1, -3}) {
    for (const bool bytes : {false, true}) {
      INFO("axis " << axis);
      TfliteMaker m;
      const std::vector<int32_t> shape = {2, 3, 4};
      const auto tensor = [&](const std::string& name, const std::vector<int32_t>& of) {
        return bytes ? m.activation(name, of, TensorType::INT8, 0.05F, 7) : m.activation(name, of);
      };
      m.inputs = {tensor("x", shape)};
      std::vector<int32_t> part = shape;
      const int32_t at = axis < 0 ? axis + 3 : axis;
      part.erase(part.begin() + at);
      const int32_t parts = shape[static_cast<std::size_t>(at)];
      for (int32_t i = 0; i < parts; ++i)
        m.outputs.push_back(tensor("y" + std::to_string(i), part));
      m.node(BuiltinOperator::UNPACK, m.inputs, m.outputs,
             options<tflite::UnpackOptions>(tflite::CreateUnpackOptions, parts, axis));
      if (bytes) {
        check_int8(m);
      } else {
        check_float(m);
      }
    }
  }
}

TEST_CASE("TFLite: GATHER_ND and GATHER of floats and bytes, at places that an ARG_MAX found") {
  for (const TensorType type : whole_types) {
    for (const bool bytes : {false, true}) {
      Largest l(type, bytes);
      const auto result = [&](const std::string& name, const std::vector<int32_t>& shape) {
        const int32_t y = bytes ? l.m.activation(name, shape, TensorType::INT8, 0.05F, -3)
                                : l.m.activation(name, shape);
        l.m.outputs.push_back(y);
        return y;
      };
      const int32_t list = l.computed("list", {5});
      l.m.node(BuiltinOperator::RESHAPE, {l.n, l.m.integers("minus one", {-1})}, {list});
      const int32_t places = l.computed("places", {5, 2});
      l.m.node(BuiltinOperator::PACK, {l.constant("zeros", {5}, {0, 0, 0, 0, 0}), list}, {places},
               options<tflite::PackOptions>(tflite::CreatePackOptions, 2, 1));
      l.m.node(BuiltinOperator::GATHER_ND, {l.x, places}, {result("pixels", {5, 5})});
      const auto gather = [](int32_t axis) {
        return options<tflite::GatherOptions>(tflite::CreateGatherOptions, axis, 0);
      };
      l.m.node(BuiltinOperator::GATHER, {l.x, l.n}, {result("along", {1, 1, 5, 5})}, gather(1));
      l.m.node(BuiltinOperator::GATHER, {l.x, l.constant("two", {2}, {4, 1})},
               {result("channels", {1, 24, 2})}, gather(-1));
      l.m.node(BuiltinOperator::GATHER, {l.x, l.constant("one", {}, {3})}, {result("row", {1, 5})},
               gather(1));
      const int32_t at = l.constant("at", {2, 3}, {0, 23, 4, 0, 1, 0});
      l.m.node(BuiltinOperator::GATHER_ND, {l.x, at}, {result("numbers", {2})});
      if (bytes) {
        check_int8(l.m);
      } else {
        check_float(l.m);
      }
    }
  }
}

TEST_CASE("TFLite: bytes that are gathered to another scale are requantized") {
  Largest l(TensorType::INT32, true);
  const int32_t y = l.m.activation("y", {1, 1, 5, 5}, TensorType::INT8, 0.13F, 20);
  l.m.node(BuiltinOperator::GATHER, {l.x, l.n}, {y},
           options<tflite::GatherOptions>(tflite::CreateGatherOptions, 1, 0));
  l.m.outputs = {y};
  check_int8(l.m);
}

TEST_CASE("TFLite: arithmetic of integers that octet lacks, and places that are none") {
  const auto lacks = [](const auto& add_nodes) {
    Largest l(TensorType::INT32);
    add_nodes(l);
    return refusal(l.m);
  };
  const auto of_result = [&](BuiltinOperator code, const TfliteOptions& options,
                             const std::vector<int64_t>& other) {
    return lacks([&](Largest& l) {
      const auto shape = {static_cast<int32_t>(other.size())};
      l.m.outputs = {l.computed("y", {1, 5})};
      l.m.node(code, {l.n, l.constant("k", shape, other)}, l.m.outputs, options);
    });
  };
  CHECK(contains(of_result(BuiltinOperator::FLOOR_DIV, {}, {0}), "'y' (floor_div) divides by 0"));
  CHECK(contains(
      of_result(BuiltinOperator::DIV, binary_options(BuiltinOperator::DIV), {1, 2, 3, 0, 5}),
      "'y' (div) divides by 0"));
  CHECK(contains(
      of_result(BuiltinOperator::ADD, binary_options(BuiltinOperator::ADD, Activation::RELU), {1}),
      "'y' (operator 1): ADD of integers with a fused activation"));
  CHECK(contains(of_result(BuiltinOperator::MAXIMUM, {}, {1}), "MAXIMUM of integers"));
  CHECK(contains(of_result(BuiltinOperator::ADD, binary_options(BuiltinOperator::ADD), {1, 2, 3}),
                 "cannot broadcast [1, 5] with [3]"));
  CHECK(contains(lacks([](Largest& l) {
                   l.m.outputs = {l.m.activation("y", {1, 24, 5})};
                   l.m.node(BuiltinOperator::ADD, {l.x, l.constant("k", {1}, {1})}, l.m.outputs,
                            binary_options(BuiltinOperator::ADD));
                 }),
                 "ADD on 'x', which is FLOAT32; octet's takes integers"));
  CHECK(contains(lacks([](Largest& l) {
                   l.m.outputs = {l.m.activation("y", {1, 24, 5})};
                   l.m.node(BuiltinOperator::FLOOR_DIV, {l.x, l.x}, l.m.outputs);
                 }),
                 "FLOOR_DIV on 'x', which is FLOAT32; octet's takes integers"));
  CHECK(contains(lacks([](Largest& l) {
                   l.m.outputs = {l.m.activation("y", {1, 5})};
                   l.m.node(BuiltinOperator::NEG, {l.n}, l.m.outputs);
                 }),
                 "NEG on the indices 'n'"));
  CHECK(contains(lacks([](Largest& l) {
                   l.type = TensorType::INT64;
                   l.m.outputs = {l.computed("y", {1, 24, 5})};
                   l.m.node(BuiltinOperator::CAST, {l.x}, l.m.outputs);
                 }),
                 "CAST of FLOAT32 to INT64"));
  CHECK(contains(lacks([](Largest& l) {
                   l.type = TensorType::INT64;
                   const int32_t wide = l.constant("wide", {1}, {int64_t{1} << 40});
                   const int32_t n = l.computed("n64", {1, 5});
                   l.m.outputs = {l.computed("y", {1, 5})};
                   l.m.node(BuiltinOperator::CAST, {l.n}, {n});
                   l.m.node(BuiltinOperator::FLOOR_DIV, {n, wide}, l.m.outputs);
                 }),
                 "FLOOR_DIV on the integers 'wide', which 32 bits do not hold"));
}

TEST_CASE("TFLite: GATHER_ND and GATHER that do not fit what they read") {
  const auto gathers = [](BuiltinOperator code, const std::vector<int32_t>& shape,
                          const std::vector<int64_t>& at, const TfliteOptions& options = {}) {
    Largest l(TensorType::INT32);
    l.m.outputs = {l.m.activation("y", {1})};
    l.m.node(code, {l.x, l.constant("at", shape, at)}, l.m.outputs, options);
    return refusal(l.m);
  };
  const auto nd = BuiltinOperator::GATHER_ND;
  CHECK(contains(gathers(nd, {1, 4}, {0, 0, 0, 0}),
                 "node 'y' (GATHER_ND, operator 1): takes places [1, 4] of [1, 24, 5], "
                 "whose axes they do not fit"));
  CHECK(
      contains(gathers(nd, {}, {0}), "takes places [] of [1, 24, 5], whose axes they do not fit"));
  CHECK(contains(gathers(nd, {1, 3}, {0, 24, 0}),
                 "node 'y' (gather_nd) takes place 24 along axis 1, which has 24"));
  CHECK(contains(gathers(nd, {1, 3}, {0, -1, 0}), "takes place -1 along axis 1"));
  CHECK(contains(gathers(nd, {1, 2}, {0, 1}), "gives [1, 5], but the file says that 'y' is [1]"));
  const auto gather = [](int32_t axis, int32_t batch) {
    return options<tflite::GatherOptions>(tflite::CreateGatherOptions, axis, batch);
  };
  CHECK(contains(gathers(BuiltinOperator::GATHER, {1}, {0}, gather(1, 1)),
                 "GATHER with batch dimensions"));
  CHECK(contains(gathers(BuiltinOperator::GATHER, {1}, {0}, gather(3, 0)), "axis"));
  CHECK(contains(gathers(BuiltinOperator::GATHER, {1, 1, 1, 1, 1}, {0}, gather(1, 0)), "rank"));
  Largest l(TensorType::INT32);
  l.m.outputs = {l.m.activation("y", {1})};
  l.m.node(nd, {l.x, l.m.floats("at", {1, 3}, {0, 0, 0})}, l.m.outputs);
  CHECK(contains(refusal(l.m), "GATHER_ND on 'at', which is FLOAT32; octet's takes integers"));
  for (const int32_t parts : {23, 25}) {
    TfliteMaker m;
    m.inputs = {m.activation("x", {24, 2})};
    for (int32_t i = 0; i < parts; ++i)
      m.outputs.push_back(m.activation("y" + std::to_string(i), {2}));
    m.node(BuiltinOperator::UNPACK, m.inputs, m.outputs,
           options<tflite::UnpackOptions>(tflite::CreateUnpackOptions, parts, 0));
    CHECK(contains(refusal(m), "has another number of parts than its operand has along axis 0"));
  }
}

TEST_CASE("TFLite: a place that is only wrong for some inputs is an error of run()") {
  Largest l(TensorType::INT32);
  const int32_t list = l.computed("list", {5, 1});
  l.m.node(BuiltinOperator::RESHAPE, {l.n, l.m.integers("shape", {5, 1})}, {list});
  l.m.outputs = {l.m.activation("y", {5})};
  l.m.node(BuiltinOperator::GATHER_ND, {l.m.floats("table", {20}, Values(20, 1.0F)), list},
           l.m.outputs);
  const Model model = build(load_tflite_graph(l.m.file()), {.float_only = true});
  auto session = Session::create(model, {.threads = 1});
  REQUIRE(session);
  for (const std::size_t place : {std::size_t{19}, std::size_t{20}}) {
    Values x(120, 0.0F);
    for (std::size_t c = 0; c < 5; ++c) x[place * 5 + c] = 1;
    REQUIRE(session->set_input(0, x));
    const auto ran = session->run();
    CHECK(ran.has_value() == (place < 20));
    if (!ran)
      CHECK(contains(ran.error().message,
                     "node 'y' (gather_nd) takes place 20 along axis 0, which has 20"));
  }
}

}  // namespace octet::test
