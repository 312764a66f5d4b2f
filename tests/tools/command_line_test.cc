#include "tests/tools/command_line.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "loaders/loader.h"
#include "tests/graph/graph_maker.h"
#include "tests/loaders/sample_exports.h"
#include "tests/onnx/onnx_maker.h"
#include "tools/image/image.h"

namespace fs = std::filesystem;
using namespace octet::test;

namespace {

// Made once, since each of its models takes a run of the tool.
std::size_t entries_in(const std::string& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_CASE(
    "wrong usage is exit code 2 with what is wrong on standard error; help and version are 0") {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {},
           {"frobnicate"},
           {"run"},
           {"run", "model.octet"},
           {"convert", "in"},
           {"bench", "model.octet", "--threads", "0"},
           {"bench", "model.octet", "--threads", "two"},
           {"run", "model.octet", "a.png", "--unknown"},
           {"run", "model.octet", "a.png", "b.png", "--annotate", "out.png"},
           {"run", "model.octet", "-", "--annotate", "out.png"}}) {
    const Outcome outcome = octet_tool(arguments);
    INFO(outcome.err);
    CHECK(outcome.code == 2);
    CHECK(outcome.out.empty());
    CHECK_FALSE(outcome.err.empty());
  }
  CHECK(octet_tool({"--help"}).code == 0);
  CHECK(contains(octet_tool({"--version"}).out, octet::version()));
  for (const char* command : {"convert", "run", "eval", "bench", "inspect"}) {
    const Outcome outcome = octet_tool({command, "--help"});
    CHECK(outcome.code == 0);
    CHECK(outcome.out.size() > 300);
  }
}

TEST_CASE("a number that an option does not take is answered with those that it takes") {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"bench", "model.octet", "--runs", "0"},
           {"bench", "model.octet", "--runs", "-1"},
           {"bench", "model.octet", "--runs", "1.5"},
           {"eval", "model.octet", "folder", "--limit", "0"},
           {"eval", "model.octet", "folder", "--limit", "99999999999999999999999"}}) {
    const Outcome outcome = octet_tool(arguments);
    INFO(outcome.err);
    CHECK(outcome.code == 2);
    CHECK(contains(outcome.err, *(arguments.end() - 2) + ": '" + arguments.back() +
                                    "' is not a whole number of at least 1"));
  }
  CHECK(contains(octet_tool({"bench", "model.octet", "--warmup", "-1"}).err, "at least 0"));
}

TEST_CASE("an instruction set that is not here: the option that named it, and those that are") {
  const Workplace& w = workplace();
  const TemporaryFolder folder;
  fs::copy(w.images[0], folder.path("0_image.png"));
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"run", w.classifier, w.images[0]},
                                             {"eval", w.classifier, folder.path(".")},
                                             {"bench", w.classifier, "--runs", "1"}}) {
    auto with_isa = arguments;
    with_isa.insert(with_isa.end(), {"--isa", "avx9"});
    const Outcome outcome = octet_tool(with_isa);
    check_failed(outcome, "octet: --isa: ");
    CHECK(contains(outcome.err, "'avx9'"));
    CHECK(contains(outcome.err, "it has: reference"));
  }
}

TEST_CASE("convert says what it made, and writes the same bytes again") {
  const std::string in = workplace().path("classifier.safetensors");
  const std::string out = workplace().path("again.octet");
  const Outcome outcome = octet_tool({"convert", in, "-o", out});
  CHECK(outcome.code == 0);
  CHECK(outcome.err.empty());
  CHECK(contains(outcome.out, out));
  CHECK(contains(outcome.out, "in int8"));
  CHECK(contents_of(out) == contents_of(workplace().classifier));
}

TEST_CASE("convert: errors name the file and the remedy, and no half file is left") {
  const TemporaryFolder folder;
  const std::string in = workplace().path("classifier.safetensors");
  const std::string out = folder.path("out.octet");
  check_failed(octet_tool({"convert", folder.path("absent"), "-o", out}), folder.path("absent"));
  check_failed(octet_tool({"convert", workplace().images[0], "-o", out}), "octet_export.py");
  check_failed(octet_tool({"convert", in, "-o", out, "--keep-float", "featurs"}), "'featurs'");
  CHECK(entries_in(folder.path(".")) == 0);
  check_failed(octet_tool({"convert", in, "-o", folder.path("no/out.octet")}),
               folder.path("no/out.octet"));
  fs::create_directory(out);
  check_failed(octet_tool({"convert", in, "-o", out}), "cannot write");
  CHECK(entries_in(folder.path(".")) == 1);
}

TEST_CASE("convert: missing calibration lists the tensors and the ways out") {
  const TemporaryFolder folder;
  SampleExport sample = sample_classifier();
  for (const char* name : {"image", "relu"}) sample.graph["tensors"][name].erase("scale");
  const std::string in = folder.write("in.safetensors", sample.file());
  const Outcome outcome = octet_tool({"convert", in, "-o", folder.path("out.octet")});
  check_failed(outcome, "2 tensors");
  for (const char* part : {"'image'", "'relu'", "calibration=", "--keep-float", "--float"}) {
    CHECK(contains(outcome.err, part));
  }
  CHECK(octet_tool({"convert", in, "-o", folder.path("out.octet"), "--float"}).code == 0);
}

TEST_CASE("convert --keep-float keeps a node or a module in float, and says so") {
  const TemporaryFolder folder;
  const std::string out = folder.path("out.octet");
  const Outcome outcome = octet_tool({"convert", workplace().path("classifier.safetensors"), "-o",
                                      out, "--keep-float", "features"});
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.out, "asked by the user"));
  const auto nodes = octet_tool({"inspect", out, "--json"}).json()["nodes"];
  CHECK(nodes[0]["name"] == "features.conv");
  CHECK(nodes[0]["precision"] == "float");
}

TEST_CASE("convert --keep-float takes one name, and leaves the model that follows alone") {
  const TemporaryFolder folder;
  const std::string out = folder.path("out.octet");
  const Outcome outcome =
      octet_tool({"convert", "--keep-float", "features.conv", "--keep-float", "features.relu",
                  workplace().path("classifier.safetensors"), "-o", out});
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.out, "features.conv"));
}

TEST_CASE("results that a full disk loses are an error, of every command") {
  if (!fs::exists("/dev/full")) return;
  const Workplace& w = workplace();
  const TemporaryFolder folder;
  fs::copy(w.images[0], folder.path("0_image.png"));
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"--help"},
           {"convert", w.path("classifier.safetensors"), "-o", w.path("full.octet")},
           {"run", w.classifier, w.images[0]},
           {"run", w.classifier, w.images[0], w.images[1], "--json"},
           {"eval", w.classifier, folder.path("."), "--json"},
           {"bench", w.classifier, "--runs", "1", "--json"},
           {"inspect", w.classifier},
           {"inspect", w.classifier, "--json"}}) {
    const Outcome outcome = octet_tool(arguments, {.output_file = "/dev/full"});
    INFO(arguments[0] << ": " << outcome.err);
    CHECK(outcome.code == 1);
    CHECK(contains(outcome.err, "octet: standard output: cannot write"));
  }
}

TEST_CASE("inspect prints each node, as text and as JSON") {
  const auto json = octet_tool({"inspect", workplace().classifier, "--json"}).json();
  CHECK(json["producer"] == "a test");
  CHECK(json["has_int8"] == true);
  CHECK(json["has_float_island"] == false);
  CHECK(json["labels"] == 5);
  CHECK(json["macs"] == 4 * 4 * 4 * 27 + 20);
  CHECK(json["arena_bytes"] >= json["arena_lower_bound"]);
  CHECK(json["inputs"][0]["shape"] == nlohmann::json({1, 8, 8, 3}));
  CHECK(json["outputs"][0]["name"] == "scores");
  for (const auto& node : json["nodes"]) {
    for (const char* key : {"name", "op", "fused", "precision", "reason", "output", "macs",
                            "weight_bytes", "bytes", "step"}) {
      CHECK(node.contains(key));
    }
  }
  const auto& conv = json["nodes"][1];
  CHECK(conv["name"] == "features.conv");
  CHECK(conv["fused"] == nlohmann::json({"features.relu"}));
  CHECK(conv["output"]["type"] == "u8");
  CHECK(conv["output"]["scale"] == Approx(0.02));
  const Outcome text = octet_tool({"inspect", workplace().classifier});
  CHECK(text.code == 0);
  CHECK(contains(text.out, "features.relu"));
  check_failed(octet_tool({"inspect", workplace().images[0]}), "octet convert");
}

TEST_CASE("run classifies images, one JSON line each") {
  const Workplace& w = workplace();
  const Outcome outcome = octet_tool(
      {"run", w.classifier, w.images[0], w.images[1], w.images[2], "--json", "--top", "3"});
  REQUIRE(outcome.code == 0);
  const auto lines = outcome.json_lines();
  REQUIRE(lines.size() == 3);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    CHECK(lines[i]["path"] == w.images[i]);
    REQUIRE(lines[i]["top"].size() == 3);
    double last = 1;
    for (const auto& answer : lines[i]["top"]) {
      const int index = answer["index"];
      CHECK(answer["label"] == std::string(1, static_cast<char>('a' + index)));
      CHECK(answer["score"] <= last);
      last = answer["score"];
    }
    REQUIRE(lines[i]["outputs"].size() == 1);
    CHECK(lines[i]["outputs"][0]["name"] == "scores");
    CHECK(lines[i]["outputs"][0]["type"] == "f32");
    CHECK(lines[i]["outputs"][0]["crc32"].get<std::string>().size() == 8);
  }
  CHECK(contains(octet_tool({"run", w.classifier, w.images[0]}).out, " %  "));
}

TEST_CASE("run gives the same bytes with one thread and with two") {
  const Workplace& w = workplace();
  const auto one =
      octet_tool({"run", w.classifier, w.images[0], "--json", "--threads", "1"}).json();
  const auto two =
      octet_tool({"run", w.classifier, w.images[0], "--json", "--threads", "2"}).json();
  CHECK(one["outputs"] == two["outputs"]);
  const auto reference =
      octet_tool({"run", w.classifier, w.images[0], "--json", "--isa", "reference"}).json();
  CHECK(one["outputs"] == reference["outputs"]);
}

TEST_CASE("run - reads paths from standard input; a bad image does not lose the others") {
  const Workplace& w = workplace();
  const std::string absent = w.path("absent.png");
  const Outcome outcome = octet_tool(
      {"run", w.classifier, "-", "--json"},
      {.input = w.images[0] + "\n" + absent + "\n\n" + w.folder.path(".") + "\n" + w.images[2]});
  CHECK(outcome.code == 1);
  const auto lines = outcome.json_lines();
  REQUIRE(lines.size() == 4);
  CHECK(lines[1]["path"] == absent);
  CHECK(contains(lines[1]["error"], "cannot open"));
  CHECK(lines[2]["path"] == w.folder.path("."));
  CHECK(lines[3]["path"] == w.images[2]);
  CHECK(lines[3].contains("top"));
  CHECK(contains(outcome.err, absent + ": cannot open"));
  CHECK(contains(outcome.err, w.folder.path(".") + ": not a file"));
}

TEST_CASE("run: no model, no image, a preprocessing that is none or does not fit") {
  const Workplace& w = workplace();
  check_failed(octet_tool({"run", w.path("absent.octet"), w.images[0]}), "absent.octet");
  check_failed(octet_tool({"run", w.classifier, w.path("absent.png")}), "absent.png");
  check_failed(octet_tool({"run", w.classifier, w.images[0], "--isa", "mmx"}), "'mmx'");
  const auto with = [&](const std::string& preprocess) {
    return octet_tool({"run", w.classifier, w.images[0], "--preprocess", preprocess});
  };
  check_failed(with("size 8"), "not JSON");
  check_failed(with("{}"), "--preprocess: 'resize', 'channels', 'mean' and 'std' are missing");
  check_failed(with(R"({"size": [9, 8], "resize": "crop", "channels": "rgb", )"
                    R"("mean": [0, 0, 0], "std": [1, 1, 1]})"),
               "9 x 8");
  CHECK(with(R"({"size": [8, 8], "resize": "crop", "channels": "bgr", )"
             R"("mean": [0, 0, 0], "std": [1, 1, 1]})")
            .code == 0);
}

TEST_CASE("run: a classifier whose output is a map is refused, one that ends in argmax answers") {
  const Workplace& w = workplace();
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, octet::graph::Graph graph) {
    graph.task.type = octet::TaskType::classify;
    graph.labels = {"a", "b", "c", "d"};
    graph.preprocess =
        octet::Preprocess{.height = 8, .width = 8, .mean = {0, 0, 0}, .std = {255, 255, 255}};
    const auto bytes = octet::graph::build_model(std::move(graph), {.float_only = true});
    REQUIRE(bytes);
    return folder.write(name,
                        std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()));
  };
  const octet::Shape image = {1, 8, 8, 3};
  GraphMaker map;
  check_failed(octet_tool({"run", write("map", map.finish({map.conv("map", map.input(image))})),
                           w.images[0]}),
               "'map' is [1, 8, 8, 4]");
  GraphMaker places;
  check_failed(
      octet_tool({"run",
                  write("places", places.finish({places.argmax(
                                      "places", places.conv("map", places.input(image)))})),
                  w.images[0]}),
      "'places' is [1, 8, 8]");
  GraphMaker index;
  const auto scores = index.mean("scores", index.conv("map", index.input(image)), {1, 2});
  const Outcome outcome =
      octet_tool({"run", write("index", index.finish({index.argmax("class", scores)})), w.images[0],
                  "--json"});
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const int answer = outcome.json()["top"][0]["index"];
  CHECK(outcome.json()["top"][0]["label"] == std::string(1, static_cast<char>('a' + answer)));
}

TEST_CASE("run --preprocess of what the model has already changes nothing") {
  const Workplace& w = workplace();
  const auto own = octet_tool({"run", w.classifier, w.images[0], "--json"}).json();
  const auto given = octet_tool({"run", w.classifier, w.images[0], "--json", "--preprocess",
                                 sample_classifier().graph["preprocess"].dump()})
                         .json();
  CHECK(own["outputs"] == given["outputs"]);
}

TEST_CASE("run --dump writes outputs as .npy, --annotate a picture of the image's size") {
  const Workplace& w = workplace();
  const TemporaryFolder folder;
  const Outcome outcome = octet_tool({"run", w.detector, w.images[0], "--dump", folder.path("dump"),
                                      "--annotate", folder.path("marked.png")});
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  for (const char* name : {"one.boxes.npy", "one.scores.npy", "one.points.npy"}) {
    CHECK(contents_of(folder.path("dump/") + name).starts_with("\x93NUMPY"));
  }
  const auto marked = octet::image::read_image(folder.path("marked.png"));
  REQUIRE(marked);
  CHECK(marked->width == 30);
  check_failed(
      octet_tool({"run", w.classifier, w.images[0], "--annotate", folder.path("no/marked.png")}),
      "no/marked.png");
  check_failed(octet_tool({"run", w.classifier, w.images[0], "--dump", w.images[0]}), w.images[0]);
}

TEST_CASE("run --dump of two images of one name is an error for the second, and keeps the first") {
  const Workplace& w = workplace();
  const TemporaryFolder folder;
  for (const int i : {0, 1}) {
    fs::create_directory(folder.path(std::to_string(i)));
    const auto image = folder.path(std::to_string(i) + "/same.png");
    fs::copy(w.images[static_cast<std::size_t>(i)], image);
  }
  const std::string first = folder.path("0/same.png");
  const std::string second = folder.path("1/same.png");
  REQUIRE(octet_tool({"run", w.classifier, first, "--dump", folder.path("alone")}).code == 0);
  const Outcome outcome =
      octet_tool({"run", w.classifier, first, second, first, "--dump", folder.path("dump")});
  CHECK(outcome.code == 1);
  CHECK(contains(outcome.err, second));
  CHECK(contains(outcome.err, first));
  CHECK(contains(outcome.err, "a folder each"));
  CHECK(contents_of(folder.path("dump/same.scores.npy")) ==
        contents_of(folder.path("alone/same.scores.npy")));
}

TEST_CASE("run --dump of outputs whose names differ by a separator alone writes each") {
  OnnxMaker m;
  m.input("x", {1, 3, 4, 4}).output("a/b").output("a_b").output("a_b.1");
  m.node("Relu", {"x"}, {"a/b"}).node("Neg", {"x"}, {"a_b"}).node("Exp", {"x"}, {"a_b.1"});
  const TemporaryFolder folder;
  const std::string in = folder.write("m.onnx", m.file());
  const std::string model = folder.path("m.octet");
  const Outcome converted = octet_tool({"convert", in, "--float", "-o", model});
  INFO(converted.err);
  REQUIRE(converted.code == 0);
  const Outcome outcome = octet_tool({"run", model, workplace().images[0], "--preprocess",
                                      "zero-one", "--dump", folder.path("dump")});
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  std::set<std::string> contents;
  for (const char* name : {"one.a_b.npy", "one.a_b.1.npy", "one.a_b.1.2.npy"})
    contents.insert(contents_of(folder.path("dump/") + name));
  CHECK(contents.size() == 3);
}

TEST_CASE("run detects, with boxes in pixels of the image") {
  const Workplace& w = workplace();
  const auto json = octet_tool({"run", w.detector, w.images[0], "--json"}).json();
  REQUIRE_FALSE(json["detections"].empty());
  for (const auto& d : json["detections"]) {
    CHECK(d["box"].size() == 4);
    CHECK(d["box"][0] < d["box"][2]);
    CHECK(d["score"] >= 0.3);
    CHECK(d["landmarks"].size() == 2);
  }
  CHECK(json["outputs"].size() == 3);
}

TEST_CASE("eval counts top-1 and agreement, over folders of labels and over INDEX_name files") {
  const Workplace& w = workplace();
  const TemporaryFolder folder;
  const int index =
      octet_tool({"run", w.classifier, w.images[0], "--json"}).json()["top"][0]["index"];
  const std::string label(1, static_cast<char>('a' + index));
  const std::string other(1, static_cast<char>('a' + (index + 1) % 5));
  for (const std::string& name : {label, other}) {
    fs::create_directories(folder.path("by_label/" + name));
    fs::copy(w.images[0], folder.path("by_label/" + name + "/image.png"));
  }
  const Outcome outcome = octet_tool(
      {"eval", w.classifier, folder.path("by_label"), "--compare", w.float_classifier, "--json"});
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const auto json = outcome.json();
  CHECK(json["images"] == 2);
  CHECK(json["top1"] == 50.0);
  CHECK(json["top5"] == 100.0);
  CHECK(json.contains("agreement"));
  CHECK(json["median_ms"] > 0);

  fs::create_directories(folder.path("by_name"));
  for (int i = 0; i < 4; ++i) {
    fs::copy(w.images[0],
             folder.path("by_name/" + std::to_string(index) + "_" + std::to_string(i) + ".png"));
  }
  const auto limited =
      octet_tool({"eval", w.classifier, folder.path("by_name"), "--limit", "3", "--json"}).json();
  CHECK(limited["images"] == 3);
  CHECK(limited["top1"] == 100.0);
}

TEST_CASE("eval of a detector against itself is perfect; against nothing it is an error") {
  const Workplace& w = workplace();
  const TemporaryFolder folder;
  fs::copy(w.images[0], folder.path("image.png"));
  const auto json =
      octet_tool({"eval", w.detector, folder.path("."), "--compare", w.detector, "--json"}).json();
  CHECK(json["precision"] == 1.0);
  CHECK(json["recall"] == 1.0);
  CHECK(json["mean_iou"] == Approx(1));
  check_failed(octet_tool({"eval", w.detector, folder.path(".")}), "--compare");
  check_failed(octet_tool({"eval", w.detector, folder.path("."), "--compare", w.classifier}),
               "task");
}

TEST_CASE("eval: no folder, no images, a folder that no label names, images without classes") {
  const Workplace& w = workplace();
  const TemporaryFolder folder;
  check_failed(octet_tool({"eval", w.classifier, folder.path("absent")}), folder.path("absent"));
  check_failed(octet_tool({"eval", w.classifier, folder.path(".")}), "no JPEG or PNG");
  fs::copy(w.images[0], folder.path("image.png"));
  check_failed(octet_tool({"eval", w.classifier, folder.path(".")}), "--compare");
  fs::create_directory(folder.path("unknown"));
  check_failed(octet_tool({"eval", w.classifier, folder.path(".")}), "unknown");
}

TEST_CASE("progress bars stay out of what is no terminal") {
  const Workplace& w = workplace();
  CHECK(octet_tool({"bench", w.classifier, "--runs", "3", "--json"}).err.empty());
}
