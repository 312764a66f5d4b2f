// A thousand damaged files of each format. Each gives an error, or a model that loads and runs.
// Under the sanitizers, these tests find reads outside the file and numbers that overflow.
#include "tests/engine/corruption.h"

#include <cstring>

#include "engine/model_data.h"
#include "graph/graph.h"
#include "loaders/loader.h"
#include "loaders/safetensors/float_export.h"
#include "tests/graph/run_graph.h"
#include "tests/loaders/float_export_maker.h"

using namespace octet;
using namespace octet::test;

namespace {

constexpr int rounds = 1000;
constexpr int64_t most_macs = 50'000'000;
constexpr std::size_t most_bytes = 64 << 20;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_small(const Model& model) {
  std::size_t bytes = 0;
  for (const TensorRecord& tensor : model.data().tensors) bytes += tensor.byte_size();
  return model.macs() <= most_macs && bytes <= most_bytes;
}

// Runs the model, whatever is in the file. It may fail only with an error.
void run_if_small(const Model& model) {
  if (!is_small(model)) return;
  auto session = Session::create(model, {.threads = 1});
  if (!session) {
    CHECK_FALSE(session.error().message.empty());
    return;
  }
  for (std::size_t i = 0; i < model.inputs().size(); ++i) {
    const Values values(static_cast<std::size_t>(element_count(model.inputs()[i].shape)), 0.5f);
    REQUIRE(session->set_input(i, values));
  }
  if (model.preprocess() != nullptr) {
    const auto count = static_cast<std::size_t>(element_count(model.inputs()[0].shape));
    REQUIRE(session->set_pixels(0, std::vector<uint8_t>(count, 200)));
  }
  if (session->run()) {
    for (std::size_t i = 0; i < session->output_count(); ++i) CHECK(session->output(i).size > 0);
  }
}

// Returns whether the file was loaded.
bool try_octet(const std::string& file) {
  const auto model = Model::from_memory(bytes_of(file), "damaged.octet");
  if (!model) {
    CHECK(model.error().message.starts_with("damaged.octet: "));
    return false;
  }
  run_if_small(*model);
  return true;
}

bool try_float_export(const std::string& file) {
  graph::Graph graph;
  try {
    graph = loaders::load_float_export(bytes_of(file), "damaged.safetensors");
  } catch (const std::exception& error) {
    CHECK(std::strlen(error.what()) > 0);
    return false;
  }
  for (const bool float_only : {false, true}) {
    const auto bytes = graph::build_model(graph, {.float_only = float_only});
    if (!bytes) {
      CHECK_FALSE(bytes.error().message.empty());
      continue;
    }
    const auto model = Model::from_memory(*bytes, "damaged.octet");
    if (model) run_if_small(*model);
  }
  return true;
}

// A network with most operators, so that most of the decoder runs.
graph::Graph network() {
  GraphMaker m;
  const auto x = m.input({1, 8, 8, 3});
  const auto stem =
      m.relu6("stem.relu", m.conv("stem", x, {.kernel = 3, .stride = 2, .padding = 1}));
  // In int8: functions inside layers, and a scale for each channel.
  const auto wide = m.simple("wide.silu", Op::silu, m.conv("wide", stem));
  const auto narrow = m.conv("narrow", wide, {.kernel = 3, .padding = 1, .groups = 4});
  const auto bent = m.node("bent", Op::leaky_relu, ScalarAttributes{0.2F}, {narrow});
  const auto deep = m.conv("deep", bent, {.kernel = 3, .padding = 1, .groups = 4});
  const auto sum = m.add("add", m.relu("deep.relu", deep), stem);
  const auto pad = m.node("pad", Op::pad, PadAttributes{{0, 0, 0, 0}, {0, 0, 0, 2}, 0}, {sum});
  const auto cut =
      m.node("slice", Op::slice, SliceAttributes{{0, 0, 0, 1}, {1, 1, 1, 2}, {1, 4, 4, 3}}, {pad});
  const auto turned = m.transpose("turn", m.simple("silu", Op::silu, cut), {0, 2, 1, 3});
  const auto joined =
      m.concat("concat", {m.max_pool("max", turned), m.average_pool("avg", turned)}, 3);
  const auto larger =
      m.node("resize", Op::resize, ResizeAttributes{5, 3, ResizeMode::nearest, false}, {joined});
  const auto scaled = m.mul("mul", larger, m.random_constant("mask", {6}));
  const auto smooth =
      m.node("smooth", Op::resize, ResizeAttributes{4, 4, ResizeMode::bilinear, false}, {scaled});
  const auto logits = m.linear("fc", m.mean("mean", smooth, {1, 2}), {.channels = 5});
  // The pixels with the largest values of their channels: row, column and channel.
  const auto rows = m.reshape("rows", smooth, {16, 6});
  const auto place = m.whole("place", Op::argmax, AxisAttributes{.axis = 0}, {rows});
  const auto width = m.whole_constant("width", {}, {4});
  const auto row = m.whole("row", Op::floor_div, BinaryAttributes{}, {place, width});
  const auto column =
      m.whole("column", Op::sub, BinaryAttributes{},
              {place, m.whole("before", Op::mul, BinaryAttributes{}, {row, width})});
  const auto part = [&](const std::string& name, TensorId x) {
    return m.whole(name, Op::reshape, ReshapeAttributes{{6, 1}}, {x});
  };
  const auto places = m.whole("places", Op::concat, AxisAttributes{.axis = 1},
                              {m.whole_constant("image", {6, 1}, {0, 0, 0, 0, 0, 0}),
                               part("row.part", row), part("column.part", column)});
  const auto picked = m.node("picked", Op::gather_nd, GatherAttributes{}, {smooth, places});
  const auto best = m.top_k("best", rows, {.axis = 0, .k = 3});
  graph::Graph graph = m.finish({m.softmax("softmax", logits), m.argmax("class", logits), picked,
                                 m.simple("row.real", Op::cast, row), best[0], best[1]});
  graph.preprocess = Preprocess{.height = 8, .width = 8, .mean = {1, 2, 3}, .std = {50, 50, 50}};
  graph.labels = {"one", "two", "three", "four", "five"};
  graph.task = {.type = TaskType::classify};
  return graph;
}

}  // namespace

TEST_CASE("a thousand damaged .octet files of an int8 and of a float model") {
  for (const bool float_only : {false, true}) {
    graph::Graph graph = network();
    calibrate(graph);
    const auto built = graph::build_model(graph, {.float_only = float_only});
    REQUIRE(built);
    const std::string file = text_of(*built);
    REQUIRE(try_octet(file));
    Random random(float_only ? 31 : 32);
    int loaded = 0;
    for (int round = 0; round < rounds; ++round) {
      INFO((float_only ? "float" : "int8") << ", seed " << random.seed << ", round " << round);
      loaded += try_octet(corrupted(file, random)) ? 1 : 0;
    }
    CHECK(loaded < rounds);
  }
}

TEST_CASE("a thousand damaged float exports of several networks") {
  const std::string folder = OCTET_SOURCE_DIR "/tests/golden/";
  const std::vector<std::string> files = {contents_of(folder + "q_inverted_residual.safetensors"),
                                          contents_of(folder + "float_conv_bn_relu.safetensors"),
                                          contents_of(folder + "q_add_relu.safetensors"),
                                          contents_of(folder + "float_concat.safetensors")};
  Random random(33);
  int loaded = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::string& file = files[static_cast<std::size_t>(round) % files.size()];
    INFO("seed " << random.seed << ", round " << round);
    // In larger files the header is the smaller part, and damage to it matters most.
    const std::size_t header =
        8 + static_cast<uint8_t>(file[0]) + 256U * static_cast<uint8_t>(file[1]);
    const bool in_header = random.chance(0.7);
    const std::string damaged =
        in_header ? corrupted(file.substr(0, header), random) + file.substr(header)
                  : corrupted(file, random);
    loaded += try_float_export(damaged) ? 1 : 0;
  }
  CHECK(loaded < rounds);
}

TEST_CASE("numbers of a float export's graph that are anything at all") {
  const std::string file =
      contents_of(OCTET_SOURCE_DIR "/tests/golden/q_inverted_residual.safetensors");
  const std::size_t length = static_cast<uint8_t>(file[0]) + 256U * static_cast<uint8_t>(file[1]);
  const auto header = nlohmann::json::parse(file.substr(8, length));
  const auto graph =
      nlohmann::json::parse(header["__metadata__"]["octet.graph"].get<std::string>());
  std::vector<nlohmann::json::json_pointer> places;
  const nlohmann::json flat = graph.flatten();
  for (const auto& [place, value] : flat.items()) places.emplace_back(place);
  Random random(34);
  for (int round = 0; round < rounds; ++round) {
    nlohmann::json changed = graph;
    const auto at =
        static_cast<std::size_t>(random.integer(0, static_cast<int32_t>(places.size()) - 1));
    changed[places[at]] = random.pick<nlohmann::json>({0,
                                                       1,
                                                       -1,
                                                       2,
                                                       7,
                                                       255,
                                                       65536,
                                                       2147483647,
                                                       -2147483648LL,
                                                       4294967296LL,
                                                       18446744073709551615ULL,
                                                       1e-45,
                                                       1e38,
                                                       1e300,
                                                       0.5,
                                                       nullptr,
                                                       true,
                                                       "",
                                                       "x",
                                                       nlohmann::json::array(),
                                                       nlohmann::json::object()});
    INFO("seed " << random.seed << ", round " << round << ": " << places[at].to_string() << " = "
                 << changed[places[at]].dump());
    nlohmann::json changed_header = header;
    changed_header["__metadata__"]["octet.graph"] = changed.dump();
    const std::string text = changed_header.dump();
    std::string damaged(8, '\0');
    for (std::size_t i = 0; i < 8; ++i)
      damaged[i] = static_cast<char>(uint64_t{text.size()} >> (8 * i) & 0xFF);
    try_float_export(damaged + text + file.substr(8 + length));
  }
}

TEST_CASE("files that are no models are refused with what octet reads") {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> files = {
      {"text.txt", "This is a text, and a longer one than any magic number."},
      {"short", "x"},
      {"model.onnx",
       std::string("\x08\x07\x12\x07pytorch\x1a\x05") + "1.9.0:" + std::string(100, '\x0a')},
      {"model.tflite", std::string("\x1c\0\0\0TFL3", 8) + std::string(100, '\0')},
      {"zeros", std::string(4096, '\0')},
      {"half.octet", std::string("\x10\0\0\0OCT1", 8)},
      {"brace", std::string("\xff\xff\xff\xff\xff\xff\xff\xff{", 9)},
  };
  for (const auto& [name, bytes] : files) {
    INFO(name);
    const std::string path = folder.write(name, bytes);
    const auto model = Model::load(path);
    REQUIRE_FALSE(model);
    CHECK(model.error().message.starts_with(path + ": "));
    const auto graph = loaders::load(path);
    REQUIRE_FALSE(graph);
    CHECK(graph.error().message.starts_with(path + ": "));
  }
  for (const std::string& path :
       {folder.write("empty", ""), folder.path("."), folder.path("absent")}) {
    INFO(path);
    const auto model = Model::load(path);
    const auto graph = loaders::load(path);
    REQUIRE_FALSE(model);
    REQUIRE_FALSE(graph);
    CHECK(model.error().message.starts_with(path + ": "));
    CHECK(graph.error().message.starts_with(path + ": "));
  }
}

TEST_CASE(
    "a float export given to the engine, and an .octet file to the converter, say what to do "
    "instead") {
  const TemporaryFolder folder;
  const std::string golden = OCTET_SOURCE_DIR "/tests/golden/q_conv_1x1.safetensors";
  const auto model = Model::load(golden);
  REQUIRE_FALSE(model);
  CHECK(model.error().message.find("octet convert") != std::string::npos);
  graph::Graph graph = network();
  calibrate(graph);
  const auto bytes = graph::build_model(graph, {});
  REQUIRE(bytes);
  const auto again = loaders::load(folder.write("model.octet", text_of(*bytes)));
  REQUIRE_FALSE(again);
  CHECK(again.error().message.find("already") != std::string::npos);
}

TEST_CASE("a model of a newer format is refused with its version") {
  graph::Graph graph = network();
  calibrate(graph);
  auto bytes = graph::build_model(graph, {});
  REQUIRE(bytes);
  // The version is the first field of the root table.
  uint32_t root;
  std::memcpy(&root, bytes->data(), sizeof(root));
  int32_t to_vtable;
  std::memcpy(&to_vtable, bytes->data() + root, sizeof(to_vtable));
  uint16_t field;
  std::memcpy(&field, bytes->data() + static_cast<int64_t>(root) - to_vtable + 4, sizeof(field));
  const uint32_t newer = 1000;
  std::memcpy(bytes->data() + root + field, &newer, sizeof(newer));
  const auto model = Model::from_memory(*bytes, "newer.octet");
  REQUIRE_FALSE(model);
  CHECK(model.error().message.find("1000") != std::string::npos);
}
