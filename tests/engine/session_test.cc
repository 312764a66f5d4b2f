#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "engine/model_data.h"
#include "kernels/kernels.h"
#include "tests/contains.h"
#include "tests/graph/run_graph.h"

using namespace octet;
using namespace octet::test;

namespace {

std::vector<std::byte> output_bytes(const Session& session) {
  std::vector<std::byte> all;
  for (std::size_t i = 0; i < session.output_count(); ++i) {
    const auto bytes = std::as_bytes(session.output(i).values<uint8_t>());
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all;
}

// Every int8 operator, with sizes that share no divisors, a residual, and two outputs.
Graph int8_network() {
  GraphMaker m;
  const auto x = m.input({1, 19, 17, 3});
  const auto stem = m.relu6(
      "r0", m.batch_norm(
                "b0", m.conv("stem", x, {.channels = 11, .kernel = 3, .stride = 2, .padding = 1})));
  const auto deep =
      m.relu("r1", m.conv("deep", stem, {.channels = 11, .kernel = 3, .padding = 1, .groups = 11}));
  const auto block = m.add("add", m.conv("project", deep, {.channels = 11}), stem);
  const auto joined =
      m.concat("concat", {m.max_pool("max", block), m.average_pool("avg", block)}, 3);
  const auto scaled = m.mul("mul", joined, m.random_constant("mask", {22}));
  const auto pooled = m.mean("mean", m.simple("silu", Op::silu, scaled), {1, 2});
  const auto logits = m.linear("fc", pooled, {.channels = 10});
  Graph graph = m.finish({m.softmax("softmax", logits), m.argmax("class", logits), block});
  calibrate(graph);
  return graph;
}

// A model that takes pixels. Its input is quantized, and also read in float if there is a
// `float_reader`.
Graph pixel_network(Channels channels, bool float_reader) {
  GraphMaker m;
  const int32_t count = channels == Channels::gray ? 1 : 3;
  const auto x = m.input({1, 6, 5, count}, Quantization{0.017f, 119});
  const auto conv = m.conv("conv", x, {.kernel = 3});
  std::vector<TensorId> outputs = {conv};
  if (float_reader) outputs.push_back(m.mean("over channels", x, {3}));
  Graph graph = m.finish(outputs);
  calibrate(graph);
  graph.preprocess = Preprocess{.height = 6, .width = 5, .channels = channels};
  for (int32_t c = 0; c < count; ++c) {
    graph.preprocess->mean.push_back(120.0f + static_cast<float>(c));
    graph.preprocess->std.push_back(58.3f + 0.1f * static_cast<float>(c));
  }
  return graph;
}

}  // namespace

TEST_CASE("an operand that repeats for every pixel gives the bytes of one that is written out") {
  const auto product = [](const Shape& image, const Shape& gate, bool gate_first, bool adds) {
    GraphMaker m;
    const auto x = m.input(image, Quantization{0.02f, 117});
    const auto y = m.input(gate, Quantization{0.008f, 3});
    const auto a = gate_first ? y : x;
    const auto b = gate_first ? x : y;
    const auto z = adds ? m.add("z", a, b) : m.mul("z", a, b);
    m.scale(z, 0.031f, 120);
    const Model model = build(m.finish({z}));
    REQUIRE_FALSE(model.has_float_island());
    return model;
  };
  std::mt19937 random(1);
  for (const int32_t channels : {1, 3, 24, 511, 3000}) {
    const Shape image = {1, 5, 7, channels};
    std::vector<float> pixels(static_cast<std::size_t>(35 * channels));
    std::vector<float> gate(static_cast<std::size_t>(channels));
    std::normal_distribution<float> normal;
    for (float& v : pixels) v = normal(random);
    for (float& v : gate) v = normal(random) + 1;
    std::vector<float> written_out;
    for (int i = 0; i < 35; ++i) written_out.insert(written_out.end(), gate.begin(), gate.end());
    for (const bool gate_first : {false, true}) {
      for (const bool adds : {false, true}) {
        for (const int threads : {1, 2}) {
          INFO(channels << " channels, gate first: " << gate_first << ", sum: " << adds);
          const Model repeats = product(image, {1, 1, 1, channels}, gate_first, adds);
          const Model whole = product(image, image, gate_first, adds);
          const Session a = session_of(repeats, {.threads = threads}, {pixels, gate});
          const Session b = session_of(whole, {.threads = threads}, {pixels, written_out});
          CHECK(output_bytes(a) == output_bytes(b));
        }
      }
    }
  }
}

TEST_CASE(
    "int8 outputs are the same bytes with every number of threads, on every run, in every "
    "session") {
  const Graph graph = int8_network();
  const auto inputs = random_inputs(graph);
  const Model model = build(graph);
  REQUIRE_FALSE(model.has_float_island());
  const auto expected = output_bytes(session_of(model, {.threads = 1}, inputs));
  for (const int threads : {1, 2, 3, 7}) {
    INFO(threads << " threads");
    Session session = session_of(model, {.threads = threads}, inputs);
    CHECK(session.threads() == threads);
    for (int run = 0; run < 5; ++run) {
      CHECK(output_bytes(session) == expected);
      REQUIRE(session.run());
    }
  }
}

TEST_CASE("every instruction set that is here gives the same bytes") {
  const Graph graph = int8_network();
  const auto inputs = random_inputs(graph);
  const Model model = build(graph);
  const auto expected = output_bytes(session_of(model, {.threads = 1, .isa = "reference"}, inputs));
  for (const kernels::KernelTable* table : kernels::available_tables()) {
    INFO(table->name);
    CHECK(output_bytes(session_of(model, {.threads = 2, .isa = table->name}, inputs)) == expected);
  }
}

TEST_CASE("sessions of one model run at once without getting into each other's way") {
  const Graph graph = int8_network();
  const Model model = build(graph);
  std::vector<std::vector<Values>> inputs;
  std::vector<std::vector<std::byte>> expected;
  for (uint32_t i = 0; i < 4; ++i) {
    inputs.push_back(random_inputs(graph, 100 + i));
    expected.push_back(output_bytes(session_of(model, {.threads = 1}, inputs.back())));
  }
  std::vector<int> wrong(inputs.size(), 0);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    threads.emplace_back([&, i] {
      auto session = Session::create(model, {.threads = static_cast<int>(1 + i % 2)});
      if (!session) return void(wrong[i] = 1000);
      for (int run = 0; run < 20; ++run) {
        const bool ran = session->set_input(0, inputs[i][0]) && session->run();
        wrong[i] += !ran || output_bytes(*session) != expected[i];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(inputs.size(), 0));
}

TEST_CASE("pixels give the bytes that their float values give") {
  for (const Channels channels : {Channels::rgb, Channels::gray}) {
    for (const bool float_reader : {false, true}) {
      INFO((channels == Channels::rgb ? "rgb" : "gray") << ", float reader " << float_reader);
      const Graph graph = pixel_network(channels, float_reader);
      const Model model = build(graph);
      auto session = Session::create(model, {.threads = 1});
      REQUIRE(session);
      const Preprocess& p = *model.preprocess();
      std::vector<uint8_t> pixels(30 * p.mean.size());
      Values values;
      for (std::size_t i = 0; i < pixels.size(); ++i) {
        pixels[i] = static_cast<uint8_t>(i * 151);
        const std::size_t c = i % p.mean.size();
        values.push_back((static_cast<float>(pixels[i]) - p.mean[c]) / p.std[c]);
      }
      REQUIRE(session->set_pixels(0, pixels));
      REQUIRE(session->run());
      const auto from_pixels = output_bytes(*session);
      REQUIRE(session->set_input(0, values));
      REQUIRE(session->run());
      CHECK(output_bytes(*session) == from_pixels);
    }
  }
}

TEST_CASE("inputs stay set from run to run") {
  GraphMaker m;
  const auto a = m.input({1, 8});
  const auto b = m.input({1, 8});
  Graph graph = m.finish({m.linear("fc", m.relu("relu", m.add("add", a, b)))});
  calibrate(graph);
  const Model model = build(graph);
  auto inputs = random_inputs(graph);
  Session session = session_of(model, {.threads = 1}, inputs);
  const auto first = output_bytes(session);
  inputs[1] = Values(8, 0.5f);
  REQUIRE(session.set_input(1, inputs[1]));
  REQUIRE(session.run());
  const auto second = output_bytes(session);
  CHECK(second != first);
  CHECK(second == output_bytes(session_of(model, {.threads = 1}, inputs)));
}

TEST_CASE("NaN and infinities in an input of an int8 model are bytes like any other") {
  const Graph graph = int8_network();
  const Model model = build(graph);
  auto inputs = random_inputs(graph);
  inputs[0][0] = NAN;
  inputs[0][1] = INFINITY;
  inputs[0][2] = -INFINITY;
  const Session session = session_of(model, {.threads = 1}, inputs);
  for (const float v : session.output(0).values<float>()) CHECK(std::isfinite(v));
}

TEST_CASE("running before an input is set is an error that names the input") {
  const Model model = build(int8_network());
  auto session = Session::create(model);
  REQUIRE(session);
  const auto ran = session->run();
  REQUIRE_FALSE(ran);
  CHECK(contains(ran.error().message, "'x0'"));
  CHECK(contains(ran.error().message, "never set"));
}

TEST_CASE(
    "a wrong number of values, a wrong input, pixels without preprocessing: errors that say so") {
  const Model model = build(int8_network());
  auto session = Session::create(model);
  REQUIRE(session);
  const auto short_input = session->set_input(0, Values(5));
  REQUIRE_FALSE(short_input);
  CHECK(contains(short_input.error().message, "[1, 19, 17, 3]"));
  CHECK(contains(short_input.error().message, "969 values, not 5"));
  const auto no_input = session->set_input(1, Values(969));
  REQUIRE_FALSE(no_input);
  CHECK(contains(no_input.error().message, "no input 1"));
  const auto pixels = session->set_pixels(0, std::vector<uint8_t>(969));
  REQUIRE_FALSE(pixels);
  CHECK(contains(pixels.error().message, "preprocessing"));
  CHECK(session->output(17).data == nullptr);
}

TEST_CASE("an unknown instruction set and an absent one are errors that list what there is") {
  const Model model = build(int8_network());
  const auto unknown = Session::create(model, {.isa = "mmx"});
  REQUIRE_FALSE(unknown);
  CHECK(contains(unknown.error().message, "'mmx'"));
  CHECK(contains(unknown.error().message, "avx2"));
  for (const char* foreign : {"neon", "avx2"}) {
    kernels::Isa isa;
    REQUIRE(kernels::parse_isa(foreign, isa));
    if (kernels::find_table(isa) != nullptr) continue;
    const auto absent = Session::create(model, {.isa = foreign});
    REQUIRE_FALSE(absent);
    CHECK(contains(absent.error().message, "reference"));
  }
  CHECK_FALSE(Session::create(model, {.threads = -1}));
  CHECK_FALSE(Session::create(model, {.threads = 100000}));
}

TEST_CASE("OCTET_ISA forces an instruction set; the option wins over it") {
  const Model model = build(int8_network());
  setenv("OCTET_ISA", "nonsense", 1);
  CHECK_FALSE(Session::create(model));
  const auto session = Session::create(model, {.isa = "reference"});
  setenv("OCTET_ISA", "reference", 1);
  const auto forced = Session::create(model);
  unsetenv("OCTET_ISA");
  REQUIRE(session);
  REQUIRE(forced);
  CHECK(std::string(forced->isa()) == "reference");
}

TEST_CASE("steps are timed when asked, and only then") {
  const Graph graph = int8_network();
  const Model model = build(graph);
  const auto inputs = random_inputs(graph);
  CHECK(session_of(model, {.threads = 1}, inputs).step_seconds().empty());
  const Session timed = session_of(model, {.threads = 1, .time_steps = true}, inputs);
  REQUIRE(timed.step_seconds().size() == model.data().steps.size());
  double sum = 0;
  for (const double s : timed.step_seconds()) sum += s;
  CHECK(sum > 0);
}

TEST_CASE("the arena is at least what the largest step needs, and not much more") {
  const Session session =
      session_of(build(int8_network()), {.threads = 1}, random_inputs(int8_network()));
  CHECK(session.arena_lower_bound() > 0);
  CHECK(session.arena_bytes() >= session.arena_lower_bound());
  CHECK(session.arena_bytes() <= 2 * session.arena_lower_bound());
}

TEST_CASE("a model outlives its name, its bytes and its first session") {
  const Graph graph = int8_network();
  const auto inputs = random_inputs(graph);
  std::optional<Session> session;
  {
    auto bytes = octet::graph::build_model(graph, {});
    REQUIRE(bytes);
    const auto model = Model::from_memory(*bytes);
    REQUIRE(model);
    std::ranges::fill(*bytes, std::byte{0xAA});
    session.emplace(session_of(*model, {.threads = 1}, inputs));
  }
  const auto before = output_bytes(*session);
  Session moved = std::move(*session);
  REQUIRE(moved.run());
  CHECK(output_bytes(moved) == before);
}

TEST_CASE("a session and a model that were moved from give errors, not crashes") {
  Model model = build(pixel_network(Channels::rgb, false));
  auto made = Session::create(model, {.threads = 1});
  REQUIRE(made);
  Session session = std::move(*made);
  Session& empty = *made;
  const auto moved_from = [](const Expected<void>& result) {
    return !result && contains(result.error().message, "moved from");
  };
  CHECK(moved_from(empty.set_input(0, Values(90))));
  CHECK(moved_from(empty.set_pixels(0, std::vector<uint8_t>(90))));
  CHECK(moved_from(empty.run()));
  CHECK(empty.output_count() == 0);
  CHECK(empty.output(0).data == nullptr);
  CHECK(std::string(empty.isa()).empty());
  CHECK(empty.threads() == 0);
  CHECK(empty.arena_bytes() + empty.arena_lower_bound() + empty.scratch_bytes() +
            empty.packed_bytes() ==
        0);
  CHECK(empty.step_seconds().empty());
  empty = std::move(session);
  REQUIRE(empty.set_pixels(0, std::vector<uint8_t>(90)));
  CHECK(empty.run());

  const Model other = std::move(model);
  CHECK(other.inputs().size() == 1);
  // NOLINTNEXTLINE(bugprone-use-after-move): what is left behind is what is tested
  CHECK(model.inputs().empty());
  CHECK(model.outputs().empty());
  CHECK(model.labels().empty());
  CHECK(model.nodes().empty());
  CHECK(model.preprocess() == nullptr);
  CHECK(model.task().type == TaskType::none);
  CHECK(model.path().empty());
  CHECK(model.producer().empty());
  CHECK(model.file_size() == 0);
  CHECK(model.macs() == 0);
  CHECK(model.weight_bytes() == 0);
  CHECK_FALSE(model.has_int8());
  CHECK_FALSE(model.has_float_island());
  CHECK_FALSE(model.has_checksum());
  const auto refused = Session::create(model);
  REQUIRE_FALSE(refused);
  CHECK(contains(refused.error().message, "moved from"));
}

TEST_CASE("a session that two threads use at once says so, and gives the right bytes afterwards") {
  const Graph graph = int8_network();
  const auto inputs = random_inputs(graph);
  const Model model = build(graph);
  auto session = Session::create(model, {.threads = 2});
  REQUIRE(session);
  REQUIRE(session->set_input(0, inputs[0]));
  REQUIRE(session->run());
  const auto expected = output_bytes(*session);
  std::atomic<int> refused{0};
  std::atomic<int> other_errors{0};
  std::atomic<bool> stops{false};
  const auto use = [&] {
    while (!stops) {
      for (const auto& result : {session->set_input(0, inputs[0]), session->run()}) {
        if (result) continue;
        ++(contains(result.error().message, "in use by another thread") ? refused : other_errors);
      }
    }
  };
  std::thread first(use);
  std::thread second(use);
  const auto begin = std::chrono::steady_clock::now();
  while (refused == 0 && std::chrono::steady_clock::now() - begin < std::chrono::seconds(20)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  stops = true;
  first.join();
  second.join();
  CHECK(refused > 0);
  CHECK(other_errors == 0);
  REQUIRE(session->set_input(0, inputs[0]));
  REQUIRE(session->run());
  CHECK(output_bytes(*session) == expected);
}

TEST_CASE("an int8 average pool whose sums could leave 32 bits is refused; one below is right") {
  const auto pool_file = [](int32_t h, int32_t w, int32_t dilation) {
    GraphMaker m;
    const auto x = m.input({1, h, w, 1});
    const Window window{.kernel_h = (h - 1) / dilation + 1,
                        .kernel_w = (w - 1) / dilation + 1,
                        .dilation_h = dilation,
                        .dilation_w = dilation};
    const auto q = m.quantize("q", x, {1.0F, 0});
    const auto y = m.node("pool", Op::average_pool, PoolAttributes{.window = window}, {q});
    m.scale(y, 1.0F, 0);
    Graph graph = m.finish({y});
    for (Node& node : graph.nodes) {
      node.precision = graph::Precision::int8;
      graph.tensor(node.output()).type = Type::u8;
    }
    const auto bytes = graph::write_model(graph);
    REQUIRE(bytes);
    return *bytes;
  };
  const auto refused = Model::from_memory(pool_file(4096, 4096, 1));
  REQUIRE_FALSE(refused);
  CHECK(contains(refused.error().message, "'pool'"));
  CHECK(contains(refused.error().message, "32 bits"));
  CHECK_FALSE(Model::from_memory(pool_file(2903, 2901, 1)));
  CHECK(Model::from_memory(pool_file(4096, 4096, 2)));

  const auto model = Model::from_memory(pool_file(2902, 2901, 1));
  REQUIRE(model);
  const Values white(std::size_t{2902} * 2901, 255.0F);
  for (const kernels::KernelTable* table : kernels::available_tables()) {
    const Session session = session_of(*model, {.threads = 1, .isa = table->name}, {white});
    INFO(table->name);
    CHECK(session.output(0).values<uint8_t>()[0] == 255);
  }
}
