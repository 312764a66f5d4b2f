#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/operator.h"
#include "tools/octet/commands.h"
#include "tools/octet/files.h"
#include "tools/octet/predictor.h"

namespace octet::tool {
namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

struct Options {
  std::string model;
  std::vector<std::string> images;
  std::size_t top = 5;
  SessionOptions session;
  std::string preprocess;
  bool as_json = false;
  std::string annotate;
  std::string dump;
};

json detection_json(const Detection& d) {
  json landmarks = json::array();
  for (const Point& p : d.landmarks) landmarks.push_back({p.x, p.y});
  return {{"box", {d.left, d.top, d.right, d.bottom}},
          {"score", d.score},
          {"landmarks", std::move(landmarks)}};
}

json to_json(const std::string& path, const Predictor& predictor, const Answer& answer) {
  json out = {{"path", path}};
  const TaskType task = predictor.model().task().type;
  if (task == TaskType::classify) {
    out["score_type"] = score_type_name(predictor.model().task().score_type);
    out["top"] = json::array();
    for (const ClassScore& c : answer.top) {
      out["top"].push_back({{"index", c.index}, {"label", c.label}, {"score", c.score}});
    }
  }
  if (task == TaskType::detect) {
    out["detections"] = json::array();
    for (const Detection& d : answer.detections) out["detections"].push_back(detection_json(d));
  }
  out["outputs"] = json::array();
  for (std::size_t i = 0; i < predictor.session().output_count(); ++i) {
    const TensorView view = predictor.session().output(i);
    char crc[9];
    std::snprintf(crc, sizeof(crc), "%08x", crc32(std::as_bytes(view.values<uint8_t>())));
    out["outputs"].push_back({{"name", view.info->name},
                              {"shape", view.info->shape},
                              {"type", type_name(view.info->type)},
                              {"crc32", crc}});
  }
  out["ms"] = answer.seconds * 1e3;
  return out;
}

void print_text(const std::string& path, const Predictor& predictor, const Answer& answer) {
  const Task& task = predictor.model().task();
  const bool independent = !answer.top.empty() && task.score_type == ScoreType::independent;
  std::printf("%s  (%.2f ms)%s\n", path.c_str(), answer.seconds * 1e3,
              independent ? "  each class by itself, of which several may be there" : "");
  for (const ClassScore& c : answer.top) {
    std::printf("  %6.2f %%  %s\n", 100.0 * static_cast<double>(c.score),
                c.label.empty() ? ("class " + std::to_string(c.index)).c_str() : c.label.c_str());
  }
  for (const Detection& d : answer.detections) {
    std::printf("  %.3f  box %.1f, %.1f to %.1f, %.1f\n", static_cast<double>(d.score), d.left,
                d.top, d.right, d.bottom);
  }
  if (task.type == TaskType::detect && answer.detections.empty()) std::printf("  no detection\n");
  if (task.type != TaskType::none) return;
  for (std::size_t i = 0; i < predictor.session().output_count(); ++i) {
    const TensorInfo& info = *predictor.session().output(i).info;
    std::printf("  output '%s' %s %s (--dump DIR writes its values)\n", info.name.c_str(),
                shape_text(info.shape).c_str(), type_name(info.type));
  }
}

void annotate(image::Image& image, const Answer& answer) {
  constexpr image::Color box_color = {64, 224, 96};
  constexpr image::Color dot_color = {255, 80, 80};
  constexpr image::Color text_color = {255, 255, 255};
  const int thickness = std::max(1, std::min(image.height, image.width) / 200);
  for (const Detection& d : answer.detections) {
    image::draw_rectangle(image, d.left, d.top, d.right, d.bottom, box_color, thickness);
    for (const Point& p : d.landmarks) image::draw_dot(image, p.x, p.y, dot_color, thickness);
    char score[16];
    std::snprintf(score, sizeof(score), "%.2f", static_cast<double>(d.score));
    constexpr int text_height = 9;
    image::draw_text(image, d.left, d.top - text_height * thickness, score, text_color, thickness);
  }
  int y = 0;
  for (const ClassScore& c : answer.top) {
    char score[16];
    std::snprintf(score, sizeof(score), " %.1f%%", 100.0 * static_cast<double>(c.score));
    const std::string name = c.label.empty() ? std::to_string(c.index) : c.label;
    image::draw_text(image, 0, y, name + score, text_color, thickness);
    y += 9 * thickness;
  }
}

// An output's name may hold anything; a file's may not hold a separator.
std::string file_name_of(std::string name) {
  for (char& c : name) {
    if (c == '/' || c == '\\' || c == '\0') c = '_';
  }
  return name;
}

/// Writes outputs to a folder, and remembers whose each file is: what would write over another
/// image's output is an error.
class Dump {
 public:
  explicit Dump(std::string folder) : folder_(std::move(folder)) {}

  Expected<void> write(const std::string& image_path, const Session& session) {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) return fail(folder_ + ": cannot make the folder: " + error.message());
    const std::string stem = fs::path(image_path).stem().string();
    for (std::size_t i = 0; i < session.output_count(); ++i) {
      const TensorView view = session.output(i);
      const fs::path path =
          fs::path(folder_) / (stem + "." + file_name_of(view.info->name) + ".npy");
      const std::string source = "output '" + view.info->name + "' of " + image_path;
      const auto [entry, is_new] = source_of_.try_emplace(path, source);
      if (!is_new && entry->second != source) {
        return fail(source + ": --dump would write it over " + entry->second + " in " +
                    path.string() +
                    "; give images of one name to separate runs with a folder each");
      }
      if (auto ok = write_npy(path.string(), view); !ok) return ok;
    }
    return {};
  }

 private:
  std::string folder_;
  std::map<fs::path, std::string> source_of_;
};

Expected<void> run_image(const Options& options, Predictor& predictor, Dump* dump,
                         const std::string& path) {
  auto image = image::read_image(path);
  if (!image) return tl::unexpected(image.error());
  const auto answer = predictor.answer(*image, options.top);
  if (!answer) return fail(path + ": " + answer.error().message);
  if (dump != nullptr) {
    if (auto ok = dump->write(path, predictor.session()); !ok) return ok;
  }
  if (!options.annotate.empty()) {
    annotate(*image, *answer);
    if (auto ok = image::write_png(*image, options.annotate); !ok) return ok;
  }
  if (options.as_json) {
    std::cout
        << to_json(path, predictor, *answer).dump(-1, ' ', false, json::error_handler_t::replace)
        << std::endl;
  } else {
    print_text(path, predictor, *answer);
    std::fflush(stdout);
  }
  return {};
}

Expected<int> run(const Options& options) {
  if (!options.annotate.empty() && (options.images.size() != 1 || options.images[0] == "-")) {
    std::cerr << "octet: --annotate writes one picture: give one image\n";
    return usage;
  }
  if (auto ok = check_session_options(options.session); !ok) return tl::unexpected(ok.error());
  const auto preprocess = parse_preprocess_option(options.preprocess);
  if (!preprocess) return tl::unexpected(preprocess.error());
  auto predictor = Predictor::create(options.model, options.session, *preprocess);
  if (!predictor) return tl::unexpected(predictor.error());
  std::optional<Dump> dump;
  if (!options.dump.empty()) dump.emplace(options.dump);
  // One bad image does not lose the answers about the others.
  int code = succeeded;
  const auto run_one = [&](const std::string& path) {
    if (const auto ok = run_image(options, *predictor, dump ? &*dump : nullptr, path); !ok) {
      std::cerr << "octet: " << ok.error().message << "\n";
      code = failed;
    }
  };
  for (const std::string& path : options.images) {
    if (path != "-") {
      run_one(path);
      continue;
    }
    for (std::string line; std::getline(std::cin, line);) {
      if (!line.empty()) run_one(line);
    }
  }
  return code;
}

}  // namespace

Command add_run(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run",
                                         "Answer about images (JPEG or PNG): classes with scores, "
                                         "or boxes, as the model's task says.");
  command->add_option("MODEL", options->model, "An .octet model")
      ->required()
      ->type_name("MODEL.octet");
  command->add_option("IMAGE", options->images, "Images; - reads their paths from standard input")
      ->required()
      ->type_name("IMAGE");
  command->add_option("--top", options->top, "Number of classes to print (default 5)")
      ->check(CLI::Range(1, 100000))
      ->type_name("N");
  add_session_options(*command, options->session);
  command
      ->add_option("--preprocess", options->preprocess,
                   "How an image becomes the input, instead of what the model says: a JSON object "
                   "with size, resize, "
                   "channels, mean, std (docs/float_export.md)")
      ->type_name("JSON");
  command->add_flag("--json", options->as_json,
                    "One JSON object an image: path, top (with score_type) or detections, outputs "
                    "with the CRC-32 of their bytes");
  command->add_option("--annotate", options->annotate, "Write the image with its answer drawn in")
      ->type_name("OUT.png");
  command
      ->add_option("--dump", options->dump, "Write each output as a NumPy file, IMAGE.OUTPUT.npy")
      ->type_name("DIR");
  return [options] { return run(*options); };
}

}  // namespace octet::tool
