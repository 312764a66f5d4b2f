#include "tools/octet/run.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "engine/operator.h"
#include "tools/octet/dataset.h"
#include "tools/octet/files.h"
#include "tools/octet/json_text.h"
#include "tools/octet/predictor.h"
#include "tools/octet/preprocess_option.h"
#include "tools/octet/session_options.h"
#include "tools/read_file.h"

namespace octet::tool {
namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

WriteRules picture_rules(const RunOptions& options, const FilesInUse& in_use) {
  return {.in_use = &in_use, .kind = &png_kind, .force = options.force};
}

json detection_json(const Detection& d) {
  json landmarks = json::array();
  for (const Point& p : d.landmarks) landmarks.push_back({p.x, p.y});
  return {{"box", {d.left, d.top, d.right, d.bottom}},
          {"score", d.score},
          {"landmarks", std::move(landmarks)}};
}

json to_json(const std::string& path, const Predictor& predictor, const Answer& answer) {
  json out;
  put_path(out, "path", path);
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

/// Writes outputs to a folder, and remembers which image each file is from: an output that would be
/// written over another image's is an error.
class Dump {
 public:
  /// Takes all rules but the kind, which is .npy.
  Dump(std::string folder, WriteRules rules) : folder_(std::move(folder)), rules_(rules) {
    rules_.kind = &npy_kind;
    // There may be thousands of small files, and they can be made again.
    rules_.durable = false;
  }

  Expected<void> write(const std::string& image_path, const Session& session) {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) return fail(folder_ + ": cannot make the folder: " + error.message());
    const std::string stem = fs::path(image_path).stem().string();
    std::set<std::string> taken;
    for (std::size_t i = 0; i < session.output_count(); ++i) {
      const TensorView view = session.output(i);
      std::string name = file_name_of(view.info->name);
      // Two outputs may get the same name, as 'a/b' and 'a_b' do.
      while (!taken.insert(name).second) name += "." + std::to_string(i);
      const fs::path path = fs::path(folder_) / (stem + "." + name + ".npy");
      const std::string source = "output '" + view.info->name + "' of " + image_path;
      const auto [entry, is_new] = source_of_.try_emplace(path, source);
      if (!is_new && entry->second != source) {
        return fail(source + ": --dump would write it over " + entry->second + " in " +
                    path.string() +
                    "; give images of one name to separate runs with a folder each");
      }
      if (auto ok = write_npy(path.string(), view, rules_); !ok) return ok;
    }
    return {};
  }

 private:
  std::string folder_;
  WriteRules rules_;
  std::map<fs::path, std::string> source_of_;
};

/// Answers about images one by one, and prints the answers.
class Runner {
 public:
  Runner(const RunOptions& options, Predictor& predictor, const FilesInUse& in_use)
      : options_(options), predictor_(predictor), in_use_(in_use) {
    if (!options.dump.empty()) {
      dump_.emplace(options.dump, WriteRules{.in_use = &in_use, .force = options.force});
    }
  }

  /// Returns false for a bad image, which does not lose the answers about the others.
  bool run(const std::string& path) {
    Expected<void> done;
    try {
      done = answer(path);
    } catch (const std::bad_alloc&) {
      done = fail(path + ": not enough memory for this picture's pixels");
    }
    if (done) return true;
    if (options_.as_json) std::cout << json_text(error_record(path, done.error().message)) << "\n";
    std::cout.flush();
    std::cerr << "octet: " << done.error().message << "\n";
    return false;
  }

 private:
  Expected<void> answer(const std::string& path) {
    // A pipe cannot be read twice, so with --annotate all of its pixels are decoded at once.
    std::error_code unknown;
    const bool once = !options_.annotate.empty() && !fs::is_regular_file(path, unknown);
    auto image = image::read_image(path, {.exif_rotate = options_.exif_rotate,
                                          .made_into = once ? nullptr : &predictor_.preprocess()});
    if (!image) return tl::unexpected(image.error());
    const auto answer = predictor_.answer(*image, options_.top);
    if (!answer) return fail(path + ": " + answer.error().message);
    if (!warned_ && are_mostly_inside_out(answer->detections)) {
      std::cerr << "octet: warning: " << path << ": " << inside_out_warning(predictor_.model());
      warned_ = true;
    }
    if (dump_) {
      if (auto ok = dump_->write(path, predictor_.session()); !ok) return ok;
    }
    if (!options_.annotate.empty()) {
      if (auto ok = write_annotated(path, *image, *answer); !ok) return ok;
    }
    if (options_.as_json) {
      std::cout << json_text(to_json(path, predictor_, *answer)) << std::endl;
    } else {
      print_text(path, predictor_, *answer);
      std::fflush(stdout);
    }
    return {};
  }

  /// Draws the answer on the picture at full size. The answer may have needed fewer pixels.
  Expected<void> write_annotated(const std::string& path, image::Image& image,
                                 const Answer& answer) {
    if (image.picture_height > 0) {
      auto whole = image::read_image(path, {.exif_rotate = options_.exif_rotate});
      if (!whole) return tl::unexpected(whole.error());
      image = std::move(*whole);
    }
    annotate(image, answer);
    return image::write_png(image, options_.annotate, picture_rules(options_, in_use_));
  }

  const RunOptions& options_;
  Predictor& predictor_;
  const FilesInUse& in_use_;
  std::optional<Dump> dump_;
  bool warned_ = false;
};

/// The images that the command line names. A folder stands for the images in it; - stays as it is.
Expected<std::vector<std::string>> named_images(const RunOptions& options) {
  std::vector<std::string> images;
  for (const std::string& path : options.images) {
    std::error_code unknown;
    if (path == "-" || !fs::is_directory(path, unknown)) {
      images.push_back(path);
      continue;
    }
    const auto below = list_images(path, 0);
    if (!below) return tl::unexpected(below.error());
    images.insert(images.end(), below->begin(), below->end());
  }
  return images;
}

/// Returns false where standard input is at its end. Errors: it cannot be read, or is no list of
/// paths.
Expected<bool> next_line(std::string& line) {
  constexpr std::size_t longest = 65536;
  line.clear();
  int character = 0;
  while ((character = std::getc(stdin)) != EOF && character != '\n') {
    line.push_back(static_cast<char>(character));
    if (line.size() > longest) {
      return fail("standard input: no list of paths: a line of more than " +
                  std::to_string(longest) + " bytes");
    }
  }
  if (std::ferror(stdin) != 0)
    return fail(std::string("standard input: cannot be read: ") + std::strerror(errno));
  return character != EOF || !line.empty();
}

/// Removes the '\r' with which Windows ends a line, unless there is a file with such a name.
std::string path_of(std::string line) {
  std::error_code unknown;
  if (line.ends_with('\r') && !fs::exists(line, unknown)) line.pop_back();
  return line;
}

}  // namespace

Expected<int> run(const RunOptions& options) {
  std::error_code unknown;
  if (!options.annotate.empty() && (options.images.size() != 1 || options.images[0] == "-" ||
                                    fs::is_directory(options.images[0], unknown))) {
    std::cerr << "octet: --annotate writes one picture: give one image\n";
    return usage;
  }
  if (auto ok = check_session_options(options.session); !ok) return tl::unexpected(ok.error());
  const auto images = named_images(options);
  if (!images) return tl::unexpected(images.error());
  FilesInUse in_use;
  if (auto ok = in_use.add(options.model); !ok) return tl::unexpected(ok.error());
  for (const std::string& path : *images) {
    if (auto ok = path == "-" ? in_use.add_standard_input() : in_use.add(path); !ok)
      return tl::unexpected(ok.error());
  }
  if (!options.annotate.empty()) {
    if (auto ok = check_target(options.annotate, picture_rules(options, in_use)); !ok)
      return tl::unexpected(ok.error());
  }
  auto predictor = Predictor::create(options.model, options.session, options.preprocess);
  if (!predictor) return tl::unexpected(predictor.error());
  Runner runner(options, *predictor, in_use);
  int code = succeeded;
  const auto run_one = [&](const std::string& path) {
    if (!runner.run(path)) code = failed;
  };
  for (const std::string& path : *images) {
    if (path != "-") {
      run_one(path);
      continue;
    }
    bool is_first = true;
    for (std::string line; true; is_first = false) {
      const auto more = next_line(line);
      if (!more) return tl::unexpected(more.error());
      if (!*more) break;
      if (is_first) remove_byte_order_mark(line);
      if (is_blank(line)) continue;
      const std::string listed = path_of(line);
      if (auto ok = in_use.add(listed); !ok) return tl::unexpected(ok.error());
      run_one(listed);
    }
  }
  return code;
}

}  // namespace octet::tool
