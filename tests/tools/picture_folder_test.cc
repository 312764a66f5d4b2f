// Tests folders of pictures as people have them: damaged files, odd names, cameras held upright,
// classes that begin at another number.
#include <sys/resource.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "tests/loaders/sample_exports.h"
#include "tests/memory_limits.h"
#include "tests/tools/command_line.h"
#include "tests/tools/jpeg_bytes.h"
#include "tools/image/image.h"
#include "tools/octet/class_offsets.h"
#include "tools/octet/detections.h"

namespace fs = std::filesystem;
using namespace octet::test;
using octet::image::Image;

namespace {

/// Fills a folder with `good` pictures and `bad` ones that are cut off, all of class 0.
void fill(const TemporaryFolder& folder, int good, int bad) {
  const Workplace& w = workplace();
  for (int i = 0; i < good; ++i) {
    fs::copy(w.images[static_cast<std::size_t>(i) % 2],
             folder.path("0_" + std::to_string(i) + ".png"));
  }
  const std::string whole = contents_of(w.images[0]);
  for (int i = 0; i < bad; ++i)
    folder.write("0_bad" + std::to_string(i) + ".png", whole.substr(0, whole.size() / 2));
}

std::string write_float_export(const TemporaryFolder& folder) {
  SampleExport sample = sample_classifier();
  for (auto& [name, tensor] : sample.graph["tensors"].items()) {
    tensor.erase("scale");
    tensor.erase("zero_point");
  }
  return folder.write("float.safetensors", sample.file());
}

Image noise(int height, int width, uint32_t seed) {
  Image image{.height = height, .width = width};
  for (int i = 0; i < height * width * 3; ++i) {
    seed = seed * 1664525U + 1013904223U;
    image.pixels.push_back(static_cast<uint8_t>(seed >> 24));
  }
  return image;
}

/// The JPEG with an EXIF orientation added.
std::string oriented(const std::string& jpeg, char orientation) {
  std::string exif(
      "\xFF\xE1\x00\x22"
      "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0?\0\0\0\0\0\0\0",
      36);
  exif[exif.find('?')] = orientation;
  return jpeg.substr(0, 2) + exif + jpeg.substr(2);
}

}  // namespace

TEST_CASE("eval leaves damaged pictures out, lists them, and fails above a share") {
  const Workplace& w = workplace();
  const TemporaryFolder folder;
  fill(folder, 11, 1);
  const std::string bad = folder.path("0_bad0.png");
  const Outcome above = octet_tool({"eval", w.classifier, folder.path("."), "--json"});
  INFO(above.err);
  CHECK(above.code == 1);
  CHECK(contains(above.err, "1 of 12 images"));
  CHECK(contains(above.err, "0_bad0.png: damaged PNG"));
  CHECK(contains(above.err, "--max-bad 9"));
  // The results of the eleven others are not lost.
  CHECK(above.json()["images"] == 11);
  REQUIRE(above.json()["failed"].size() == 1);
  CHECK(fs::equivalent(above.json()["failed"][0]["path"].get<std::string>(), bad));
  CHECK(contains(above.json()["failed"][0]["error"], "damaged PNG"));

  const Outcome allowed =
      octet_tool({"eval", w.classifier, folder.path("."), "--json", "--max-bad", "9"});
  CHECK(allowed.code == 0);
  CHECK(allowed.json()["failed"].size() == 1);
  CHECK(contains(allowed.err, "left out 1 of 12 images"));
  CHECK(octet_tool({"eval", w.classifier, folder.path("."), "--max-bad", "101"}).code == 2);

  const TemporaryFolder large;
  fill(large, 99, 1);
  CHECK(octet_tool({"eval", w.classifier, large.path(".")}).code == 0);
  const TemporaryFolder hopeless;
  fill(hopeless, 0, 2);
  const Outcome none =
      octet_tool({"eval", w.classifier, hopeless.path("."), "--max-bad", "100", "--json"});
  CHECK(none.code == 1);
  CHECK(contains(none.err, "no image in it can be read"));
}

TEST_CASE("convert --calibrate leaves damaged pictures out, and writes nothing above a share") {
  const TemporaryFolder place;
  const std::string in = write_float_export(place);
  const std::string out = place.path("out.octet");
  const TemporaryFolder folder;
  fill(folder, 11, 1);
  const Outcome above = octet_tool({"convert", in, "-o", out, "--calibrate", folder.path(".")});
  INFO(above.err);
  CHECK(above.code == 1);
  CHECK(contains(above.err, "--max-bad 9"));
  CHECK_FALSE(fs::exists(out));
  const Outcome allowed =
      octet_tool({"convert", in, "-o", out, "--calibrate", folder.path("."), "--max-bad", "10"});
  CHECK(allowed.code == 0);
  CHECK(contains(allowed.err, "0_bad0.png: damaged PNG"));
  fs::remove(folder.path("0_bad0.png"));
  const std::string good = place.path("good.octet");
  REQUIRE(octet_tool({"convert", in, "-o", good, "--calibrate", folder.path(".")}).code == 0);
  CHECK(contents_of(good) == contents_of(out));
}

TEST_CASE("circles of links, pipes and links to nothing in a folder are bad pictures, no more") {
  const Workplace& w = workplace();
  const TemporaryFolder place;
  const TemporaryFolder folder;
  fill(folder, 9, 0);
  fs::create_symlink("0_circle.png", folder.path("0_circle.png"));
  fs::create_symlink("nowhere", folder.path("0_nowhere.jpg"));
  REQUIRE(mkfifo(folder.path("0_pipe.jpeg").c_str(), 0600) == 0);
  fs::create_directory_symlink(folder.path("."), folder.path("0_round"));
  const Outcome run = octet_tool({"run", w.classifier, folder.path("."), "--json"});
  CHECK(run.code == 1);
  CHECK(run.json_lines().size() == 12);
  const Outcome calibrated =
      octet_tool({"convert", write_float_export(place), "-o", place.path("out.octet"),
                  "--calibrate", folder.path("."), "--max-bad", "25"});
  INFO(calibrated.err);
  CHECK(calibrated.code == 0);
  CHECK(contains(calibrated.err, "left out 3 of 12 images"));
  fs::remove(folder.path("0_round"));
  CHECK(octet_tool({"eval", w.classifier, folder.path("."), "--max-bad", "25"}).code == 0);
}

TEST_CASE("run takes a folder as eval does, and lists as Windows writes them") {
  const Workplace& w = workplace();
  const TemporaryFolder folder;
  fs::create_directories(folder.path("photos/below"));
  fs::copy(w.images[0], folder.path("photos/b.png"));
  fs::copy(w.images[2], folder.path("photos/below/a.JPG"));
  folder.write("photos/notes.txt", "no picture");
  folder.write("photos/c.heic", "a picture of another kind");
  const Outcome outcome =
      octet_tool({"run", w.classifier, folder.path("photos"), w.images[1], "--json"});
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.err, "1 picture of formats that octet does not read left out"));
  const auto lines = outcome.json_lines();
  REQUIRE(lines.size() == 3);
  CHECK(lines[0]["path"] == folder.path("photos/b.png"));
  CHECK(lines[1]["path"] == folder.path("photos/below/a.JPG"));
  CHECK(lines[2]["path"] == w.images[1]);
  CHECK(octet_tool({"run", w.classifier, folder.path("photos"), "--annotate", "x.png"}).code == 2);

  const Outcome list =
      octet_tool({"run", w.classifier, "-", "--json"},
                 {.input = "\xEF\xBB\xBF" + w.images[0] + "\r\n\r\n  \n\n" + w.images[1] + "\r\n"});
  INFO(list.err);
  CHECK(list.code == 0);
  CHECK(list.json_lines().size() == 2);
}

TEST_CASE("a path that is no UTF-8 comes back from JSON byte by byte") {
  const Workplace& w = workplace();
  const TemporaryFolder folder;
  const std::string name = "0_caf\xE9\xFF.png";
  std::error_code refused;
  fs::copy(w.images[0], folder.path(name), refused);
  if (refused) {
    WARN("skipped: this file system takes no such names");
    return;
  }
  const auto bytes_of = [](const nlohmann::json& record, const std::string& key) {
    std::string bytes;
    const std::string digits = record[key + "_bytes"];
    for (std::size_t i = 0; i < digits.size(); i += 2)
      bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
    return bytes;
  };
  const std::string path = folder.path(name);
  const auto good = octet_tool({"run", w.classifier, path, w.images[0], "--json"}).json_lines();
  REQUIRE(good.size() == 2);
  CHECK(bytes_of(good[0], "path") == path);
  CHECK_FALSE(good[1].contains("path_bytes"));
  folder.write(name, "no picture");
  const auto bad = octet_tool({"run", w.classifier, path, "--json"}).json_lines();
  REQUIRE(bad.size() == 1);
  CHECK(bytes_of(bad[0], "path") == path);
  CHECK(bad[0].contains("error"));
  fs::copy(w.images[0], folder.path("0_good.png"));
  const Outcome eval =
      octet_tool({"eval", w.classifier, folder.path(""), "--json", "--max-bad", "50"});
  REQUIRE(eval.code == 0);
  CHECK(fs::exists(bytes_of(eval.json()["failed"][0], "path")));

  const std::string model = folder.path("m\xE9.octet");
  fs::copy(w.classifier, model);
  CHECK(bytes_of(octet_tool({"inspect", model, "--json"}).json(), "model") == model);
  CHECK(bytes_of(octet_tool({"bench", model, "--json", "--runs", "1"}).json(), "model") == model);
}

TEST_CASE("a picture is turned as its EXIF says by every command, and not with --no-exif-rotate") {
  const Workplace& w = workplace();
  const TemporaryFolder folder;
  const std::string plain = jpeg_bytes(noise(16, 24, 5));
  const std::string turned = folder.write("turned.jpg", oriented(plain, 6));
  const std::string raw = folder.write("raw.jpg", plain);
  const auto outputs = [&](const std::string& image, std::vector<std::string> more) {
    more.insert(more.begin(), {"run", w.classifier, image, "--json"});
    const Outcome outcome = octet_tool(more);
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    return outcome.json()["outputs"];
  };
  CHECK(outputs(turned, {}) != outputs(raw, {}));
  CHECK(outputs(turned, {"--no-exif-rotate"}) == outputs(raw, {}));
  const std::string marked = folder.path("marked.png");
  for (const bool rotate : {true, false}) {
    outputs(turned, rotate ? std::vector<std::string>{"--annotate", marked}
                           : std::vector<std::string>{"--annotate", marked, "--no-exif-rotate"});
    const auto image = octet::image::read_image(marked);
    REQUIRE(image);
    CHECK(image->height == (rotate ? 24 : 16));
  }
  // The same picture, with its pixels upright in the file.
  const auto shown = octet::image::read_image(turned);
  REQUIRE(shown);
  const TemporaryFolder upright, sideways;
  REQUIRE(octet::image::write_png(*shown, upright.path("a.png")));
  sideways.write("a.jpg", oriented(plain, 6));
  const std::string in = write_float_export(folder);
  const auto calibrated = [&](const TemporaryFolder& photos, std::vector<std::string> more) {
    const std::string out = folder.path("out.octet");
    more.insert(more.begin(), {"convert", in, "-o", out, "--calibrate", photos.path(".")});
    REQUIRE(octet_tool(more).code == 0);
    return contents_of(out);
  };
  CHECK(calibrated(upright, {}) == calibrated(sideways, {}));
  CHECK(calibrated(upright, {}) != calibrated(sideways, {"--no-exif-rotate"}));
  CHECK(octet_tool({"eval", w.detector, sideways.path("."), "--compare", w.float_detector,
                    "--no-exif-rotate"})
            .code == 0);
}

TEST_CASE("every command takes presets of preprocessing, and asks about means of 0 to 1") {
  const Workplace& w = workplace();
  const TemporaryFolder folder;
  SampleExport sample = sample_classifier();
  sample.graph.erase("preprocess");
  const std::string in = folder.write("bare.safetensors", sample.file());
  const std::string bare = folder.path("bare.octet");
  REQUIRE(octet_tool({"convert", in, "-o", bare}).code == 0);
  fs::create_directory(folder.path("photos"));
  fs::copy(w.images[0], folder.path("photos/0_a.png"));
  const std::string units = R"({"resize": "crop", "channels": "rgb", )"
                            R"("mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]})";
  const std::string out = folder.path("out.octet");
  for (std::vector<std::string> arguments :
       std::vector<std::vector<std::string>>{{"run", bare, w.images[0]},
                                             {"eval", bare, folder.path("photos")},
                                             {"bench", bare, "--runs", "1"},
                                             {"convert", in, "-o", out}}) {
    arguments.emplace_back("--preprocess");
    for (const char* preset : {"imagenet-torch", "imagenet-tf", "zero-one"}) {
      auto with = arguments;
      with.emplace_back(preset);
      const Outcome outcome = octet_tool(with);
      INFO(arguments[0] << " " << preset << ": " << outcome.err);
      CHECK(outcome.code == 0);
    }
    auto without_size = arguments;
    without_size.emplace_back(
        R"({"resize": "stretch", "channels": "bgr", "mean": [1, 2, 3], "std": [1, 1, 1]})");
    CHECK(octet_tool(without_size).code == 0);
    auto wrong = arguments;
    wrong.push_back(units);
    const Outcome outcome = octet_tool(wrong);
    INFO(arguments[0] << ": " << outcome.err);
    CHECK(outcome.code == 1);
    CHECK(contains(outcome.err, "0 to 255: did you mean \"mean\": [123.675, 116.28, 103.53]"));
    for (const char* mixed :
         {R"({"resize": "crop", "channels": "rgb", "mean": [0.485, 0.456, 0.406],
              "std": [58.395, 57.12, 57.375]})",
          R"({"resize": "crop", "channels": "rgb", "mean": [123.675, 116.28, 103.53],
              "std": [0.229, 0.224, 0.225]})"}) {
      auto halves = arguments;
      halves.emplace_back(mixed);
      const Outcome asked = octet_tool(halves);
      CHECK(asked.code == 1);
      CHECK(contains(asked.err, R"(did you mean "mean": [123.675, 116.28, 103.53], )"
                                R"("std": [58.395, 57.12, 57.375]?)"));
    }
    auto unknown = arguments;
    unknown.emplace_back("imagenet");
    CHECK(contains(octet_tool(unknown).err, "imagenet-tf, imagenet-torch, zero-one"));
  }
  // A preset gives the same as the JSON that it stands for.
  const auto preset =
      octet_tool({"run", bare, w.images[0], "--json", "--preprocess", "zero-one"}).json();
  const auto spelled = octet_tool({"run", bare, w.images[0], "--json", "--preprocess",
                                   R"({"size": [8, 8], "resize": "stretch", "channels": "rgb",
                                       "mean": [0, 0, 0], "std": [255, 255, 255]})"})
                           .json();
  CHECK(preset["outputs"] == spelled["outputs"]);
  // Files with a preprocessing of their own are checked, too. Pixels that stay as they are need no
  // scale.
  sample.graph["preprocess"] = nlohmann::json::parse(units);
  sample.graph["preprocess"]["size"] = {8, 8};
  const Outcome file =
      octet_tool({"convert", folder.write("u.safetensors", sample.file()), "-o", out});
  CHECK(file.code == 1);
  CHECK(contains(file.err, "did you mean"));
  sample.graph["preprocess"]["mean"] = {0, 0, 0};
  sample.graph["preprocess"]["std"] = {1, 1, 1};
  CHECK(octet_tool({"convert", folder.write("r.safetensors", sample.file()), "-o", out}).code == 0);
}

TEST_CASE("a weak model's answers are off where far more of them would be right elsewhere") {
  struct Case {
    int right = 0;
    int off_by_one = 0;
    int elsewhere = 0;
    bool is_said = false;
  };
  for (const Case& c : {Case{2, 75, 123, true}, Case{0, 8, 60, true}, Case{75, 2, 123, false},
                        Case{10, 40, 150, false}, Case{0, 7, 60, false}, Case{0, 9, 100, false}}) {
    octet::tool::ClassOffsets offsets;
    int label = 0;
    const auto add = [&](int count, const auto& answer) {
      for (int i = 0; i < count; ++i, ++label)
        offsets.add({.path = "", .label = label % 10, .is_numbered = true}, answer(label % 10, i));
    };
    add(c.right, [](int own, int) { return own; });
    add(c.off_by_one, [](int own, int) { return own + 1; });
    add(c.elsewhere, [](int own, int i) { return own + 20 + i; });
    const std::string note = offsets.note(0);
    INFO(c.right << " " << c.off_by_one << ": " << note);
    CHECK(note.empty() != c.is_said);
    if (c.is_said) CHECK(contains(note, "--first-class 1"));
  }
}

TEST_CASE("eval says where all answers are off by the same number of classes") {
  const Workplace& w = workplace();
  const TemporaryFolder place;
  // Pictures whose answers are of at least two classes, with names that say one class lower.
  std::set<int> classes;
  int count = 0;
  fs::create_directory(place.path("photos"));
  for (uint32_t seed = 0; seed < 60; ++seed) {
    Image image = noise(8, 8, seed);
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
      image.pixels[i] =
          static_cast<uint8_t>(image.pixels[i] / 4 + (i % 3 == seed % 3 ? 180 : seed * 3));
    const std::string picture = place.path("picture.png");
    REQUIRE(octet::image::write_png(image, picture));
    const int answer =
        octet_tool({"run", w.classifier, picture, "--json"}).json()["top"][0]["index"];
    if (answer == 0) continue;
    classes.insert(answer);
    fs::copy(picture, place.path("photos/" + std::to_string(answer - 1) + "_" +
                                 std::to_string(count++) + ".png"));
  }
  REQUIRE(classes.size() >= 2);
  const Outcome off = octet_tool({"eval", w.classifier, place.path("photos"), "--json"});
  INFO(off.err);
  CHECK(off.code == 0);
  CHECK(off.json()["top1"] == 0.0);
  CHECK(contains(off.err, "answers are off by +1"));
  CHECK(contains(off.err, "--first-class 1"));
  CHECK(contains(off.json()["warning"], "--first-class 1"));
  const Outcome right =
      octet_tool({"eval", w.classifier, place.path("photos"), "--json", "--first-class", "1"});
  CHECK(right.json()["top1"] == 100.0);
  CHECK(right.err.empty());
}

TEST_CASE("boxes whose right lies left of left are told at the first picture") {
  using octet::tool::are_mostly_inside_out;
  using octet::tool::Detection;
  const Detection good{.left = 1, .top = 1, .right = 4, .bottom = 3};
  const Detection wide{.left = 4, .top = 1, .right = 1, .bottom = 3};
  const Detection high{.left = 1, .top = 3, .right = 4, .bottom = 1};
  CHECK_FALSE(are_mostly_inside_out({}));
  CHECK_FALSE(are_mostly_inside_out({good, good, wide}));
  CHECK_FALSE(are_mostly_inside_out({good, wide}));
  CHECK(are_mostly_inside_out({good, wide, high}));
  CHECK(are_mostly_inside_out({high}));

  const Workplace& w = workplace();
  const TemporaryFolder folder;
  // The boxes are offsets from priors, which the task calls corners: those of the right side are
  // negative.
  SampleExport sample = sample_detector();
  auto& task = sample.graph["task"];
  for (const char* key : {"min_sizes", "steps", "variances"}) task.erase(key);
  task["box_coding"] = "corners";
  task["nms_iou"] = 1;
  task["score_threshold"] = 0;
  for (auto& tensor : sample.tensors) {
    if (tensor.name != "boxes.weight") continue;
    std::vector<float> values;
    for (int row = 0; row < 8; ++row)
      values.insert(values.end(), 8 * 8 * 3, row % 4 < 2 ? 1.F : -1.F);
    tensor = exported(tensor.name, tensor.shape, values);
  }
  const std::string model = folder.path("wrong.octet");
  REQUIRE(
      octet_tool({"convert", folder.write("wrong.safetensors", sample.file()), "-o", model}).code ==
      0);
  const Image light{.height = 16, .width = 16, .pixels = std::vector<uint8_t>(16 * 16 * 3, 250)};
  fs::create_directory(folder.path("photos"));
  for (const char* name : {"a.png", "b.png"})
    REQUIRE(octet::image::write_png(light, folder.path("photos/") + name));
  const Outcome run = octet_tool({"run", model, folder.path("photos")});
  INFO(run.out << run.err);
  CHECK(run.code == 0);
  const std::size_t first = run.err.find("right lies left of left");
  REQUIRE(first != std::string::npos);
  CHECK(run.err.find("right lies left of left", first + 1) == std::string::npos);
  CHECK(contains(run.err, "a.png"));
  CHECK(contains(run.err, "box_coding"));
  const Outcome eval = octet_tool({"eval", model, folder.path("photos"), "--compare", model});
  CHECK(contains(eval.err, "right lies left of left"));
  CHECK_FALSE(contains(octet_tool({"run", w.detector, w.images[0]}).err, "right lies"));
}

TEST_CASE("a picture that memory does not hold is named, and the next one answered") {
  if (!memory_can_be_limited) {
    WARN("skipped: a limit of memory would bind the sanitizer or the emulator");
    return;
  }
  const Workplace& w = workplace();
  const TemporaryFolder folder;
  // A GIF of fifty bytes with a canvas of 16000 x 16000.
  std::string huge(
      "GIF89a\x80\x3E\x80\x3E\x80\0\0\0\0\0\xFF\xFF\xFF,\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0;",
      35);
  const std::string path = folder.write("huge.gif", huge);
  struct rlimit before{};
  REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
  const struct rlimit small = {.rlim_cur = rlim_t{600} << 20, .rlim_max = before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_AS, &small) == 0);
  const Outcome outcome = octet_tool({"run", w.classifier, path, w.images[0], "--json"});
  REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
  INFO(outcome.err);
  CHECK(outcome.code == 1);
  CHECK(contains(outcome.err, path + ": not enough memory"));
  REQUIRE(outcome.json_lines().size() == 2);
  CHECK(outcome.json_lines()[1].contains("top"));
}
