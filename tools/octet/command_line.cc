#include "tools/octet/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <new>

#include "graph/calibration/calibrators.h"
#include "kernels/kernels.h"
#include "loaders/preprocess.h"
#include "tools/octet/against/opponent.h"
#include "tools/octet/bench.h"
#include "tools/octet/convert.h"
#include "tools/octet/eval.h"
#include "tools/octet/inspect.h"
#include "tools/octet/run.h"

namespace octet::tool {
namespace {

/// Runs the chosen command: returns an exit code, or an error for standard error.
using Command = std::function<Expected<int>()>;

// ---- options that several commands take

/// Lets an option take whole numbers from `least` on, and explains that where it gets anything
/// else.
CLI::Validator whole_number_from(std::size_t least) {
  const auto check = [least](const std::string& text) -> std::string {
    std::size_t value = 0;
    const char* end = text.data() + text.size();
    const auto [read_to, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && read_to == end && value >= least) return "";
    return "'" + text + "' is not a whole number of at least " + std::to_string(least);
  };
  return CLI::Validator(check, "");
}

void add_session_options(CLI::App& command, SessionOptions& options) {
  const std::string threads =
      options.threads > 0 ? std::to_string(options.threads) : std::string("one a big core");
  command.add_option("--threads", options.threads, "Threads (default: " + threads + ")")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  std::string names;
  for (const kernels::Isa isa : kernels::all_isas())
    names += (names.empty() ? "" : ", ") + std::string(kernels::isa_name(isa));
  command
      .add_option("--isa", options.isa,
                  "Force an instruction set: " + names +
                      " (default: the best that the processor has; OCTET_ISA in the environment "
                      "does the same)")
      ->type_name("NAME");
}

void add_preprocess_option(CLI::App& command, std::string& text) {
  command
      .add_option("--preprocess", text,
                  "How an image becomes the input, instead of what the model says: " +
                      loaders::preprocess_preset_names() +
                      ", or a JSON object with resize, channels, mean, std, and size where it is "
                      "not the model's (docs/float_export.md)")
      ->type_name("PRESET|JSON");
}

// Checks for numbers, too: CLI::Range accepts text that is not a number.
std::string not_a_percentage(const std::string& text) {
  double value = 0;
  const bool is_number = CLI::detail::lexical_cast(text, value);
  return is_number && value >= 0 && value <= 100 ? "" : text + " is no number from 0 to 100";
}

void add_max_bad_option(CLI::App& command, double& percent) {
  command
      .add_option("--max-bad", percent,
                  "The share of images, in percent, that may be damaged and are left out")
      ->check(CLI::Validator(not_a_percentage, "FLOAT in [0 - 100]"))
      ->capture_default_str()
      ->type_name("PERCENT");
}

void add_exif_option(CLI::App& command, bool& exif_rotate) {
  command.add_flag("--no-exif-rotate{false}", exif_rotate,
                   "Take a picture's pixels as the file has them, instead of turning it as EXIF's "
                   "orientation says");
}

void add_force_option(CLI::App& command, bool& force) {
  command.add_flag("--force", force,
                   "Write over an existing file of another kind, too; a file that is read is never "
                   "written over");
}

// ---- bench

std::vector<std::string> engine_names() {
  std::vector<std::string> names;
  for (const Engine& engine : engines()) names.emplace_back(engine.name);
  return names;
}

/// Returns what is wrong with the name; empty where nothing is.
std::string check_engine(const std::string& name) {
  const std::vector<std::string> names = engine_names();
  if (std::ranges::count(names, name) > 0) return "";
  std::string text = "'" + name + "' is not among " + CLI::detail::join(names, ", ");
  if (name == "onednn") {
    text +=
        ": this octet was built without oneDNN. third_party/install_debian.sh benchmark installs "
        "it (libdnnl-dev); then run cmake and build again";
  } else if (name == "xnnpack") {
    text += ": this octet was built with OCTET_WITH_XNNPACK off";
  }
  return text;
}

std::string engine_descriptions() {
  std::string text;
  for (const Engine& engine : engines()) {
    text += std::string("\n") + engine.name + ": " + engine.description;
  }
  return text;
}

Command add_bench(CLI::App& app) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* command =
      app.add_subcommand("bench",
                         "Measure latency from u8 pixels (or float inputs) to outputs: median and "
                         "minimum. With --compare or --against\n"
                         "all run in one process, in turns of some 40 ms that begin when the "
                         "others' threads are asleep, and the ratio\n"
                         "of their medians is printed.");
  command->add_option("MODEL", options->model, "An .octet model")
      ->required()
      ->type_name("MODEL.octet");
  command->add_option("--compare", options->compare, "A second model, usually the float one")
      ->type_name("FLOAT_MODEL.octet");
  command
      ->add_option("--against", options->against,
                   "Other engines with the same layers, weights and scales, with commas between. "
                   "ratio = theirs / octet's." +
                       engine_descriptions())
      ->allow_extra_args(false)
      ->delimiter(',')
      ->check(CLI::Validator(check_engine, "{" + CLI::detail::join(engine_names(), ",") + "}"))
      ->type_name("ENGINE,...");
  add_session_options(*command, options->session);
  command
      ->add_option("--runs", options->runs,
                   "Exact number of measured runs of each (default: about four seconds' worth)")
      ->check(whole_number_from(1))
      ->type_name("N");
  command
      ->add_option("--warmup", options->warmup,
                   "Runs at the beginning of each turn that do not count (default: 10 ms of them); "
                   "one model alone has one turn")
      ->check(whole_number_from(0))
      ->type_name("N");
  add_preprocess_option(*command, options->preprocess);
  command->add_flag("--layers", options->layers,
                    "Each step's time, multiply-accumulates a second, share of the most that the "
                    "instruction set can do on this machine, and bytes read and written; with "
                    "--against float also each int8 layer and its float form by themselves");
  command->add_flag("--json", options->as_json,
                    "One JSON object; isa is xnnpack or eigen for a model without int8");
  return [options] { return bench(*options); };
}

// ---- convert

Command add_convert(CLI::App& app) {
  auto options = std::make_shared<ConvertOptions>();
  CLI::App* command = app.add_subcommand("convert",
                                         "Make an .octet model of a float export (.safetensors "
                                         "made by tools/pytorch/octet_export.py), of an ONNX or "
                                         "of a TFLite model.\n"
                                         "Convolutions, batch norms, activations and residual adds "
                                         "are fused, weights quantized; what stays in float is "
                                         "listed with the reason.");
  command->add_option("IN", options->input, "The model to read")->required()->type_name("FILE");
  command->add_option("-o,--output", options->output, "The .octet file to write")
      ->required()
      ->type_name("OUT.octet");
  command->add_flag("--float", options->float_only,
                    "Keep everything in float: the baseline to compare with");
  command
      ->add_option("--shape", options->shapes,
                   "The shape of an input that the file leaves open, in the file's order of axes: "
                   "1,3,224,224, or NAME=1,3,224,224 for each of several inputs")
      ->allow_extra_args(false)
      ->type_name("SHAPE");
  command
      ->add_option("--keep-float", options->keep_float,
                   "Keep a node in float, or all nodes below a module: names as `octet inspect` "
                   "prints them; may be "
                   "given several times")
      ->allow_extra_args(false)  // else the option takes IN for a name
      ->type_name("NAME");
  CLI::Option* calibrate =
      command
          ->add_option("--calibrate", options->calibration.folder,
                       "Choose the scales of int8 from images: typical ones, some hundred, in this "
                       "folder and below it")
          ->type_name("DIR");
  command
      ->add_option("--calibrator", options->calibration.calibrator,
                   "How ranges are chosen (docs/calibration.md)")
      ->check(CLI::IsMember(graph::calibrator_names()))
      ->needs(calibrate)
      ->capture_default_str();
  command
      ->add_option("--rounding", options->calibration.rounding,
                   "How weights are rounded: so that the layers' sums change least on the images, "
                   "or each to the nearest")
      ->check(CLI::IsMember({"least-squares", "nearest"}))
      ->needs(calibrate)
      ->capture_default_str();
  command
      ->add_option("--calibration-limit", options->calibration.limit,
                   "Take so many of the images, evenly spaced")
      ->check(whole_number_from(1))
      ->needs(calibrate)
      ->type_name("N");
  command
      ->add_option("--preprocess", options->preprocess,
                   "How an image becomes the input, where the file does not say: " +
                       loaders::preprocess_preset_names() +
                       ", or JSON (docs/calibration.md); kept in the model")
      ->type_name("PRESET|JSON");
  command
      ->add_option("--task", options->task,
                   "What the model answers, where the file does not say: classify, or JSON "
                   "(docs/float_export.md, \"task\"), for `octet run` and `octet eval`; kept in "
                   "the model")
      ->type_name("classify|JSON");
  command
      ->add_option("--labels", options->labels,
                   "The names of the classes, a line each in the order of the scores, where the "
                   "file has none; kept in the model, which is a classifier then")
      ->type_name("FILE");
  command->add_flag(
      "--tables", options->tables,
      "Keep functions such as SiLU as tables of 256 values behind their layers, instead "
      "of computing them inside: less exact, and faster on 64-bit Arm "
      "(docs/performance.md)");
  command->add_flag("--forget-scales", options->forget_scales,
                    "Take a quantized model as the float one that its bytes stand for: with "
                    "--calibrate or --scales, scales are chosen again");
  command
      ->add_option("--save-scales", options->calibration.save_scales,
                   "Write the scales of activations to a JSON file")
      ->type_name("FILE");
  command
      ->add_option("--scales", options->calibration.scales,
                   "Take the scales of activations from such a file")
      ->excludes(calibrate)
      ->type_name("FILE");
  add_max_bad_option(*command, options->calibration.max_bad_percent);
  add_exif_option(*command, options->calibration.exif_rotate);
  add_force_option(*command, options->force);
  return [options] { return convert(*options); };
}

// ---- run

Command add_run(CLI::App& app) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command =
      app.add_subcommand("run",
                         "Answer about images (JPEG, PNG, WebP, GIF or BMP): "
                         "classes with scores, or boxes, as the model's task says.");
  command->add_option("MODEL", options->model, "An .octet model")
      ->required()
      ->type_name("MODEL.octet");
  command
      ->add_option("IMAGE", options->images,
                   "Images, or folders of them; - reads paths of images from standard input")
      ->required()
      ->type_name("IMAGE");
  command->add_option("--top", options->top, "Number of classes to print (default 5)")
      ->check(CLI::Range(1, 100000))
      ->type_name("N");
  add_session_options(*command, options->session);
  add_preprocess_option(*command, options->preprocess);
  command->add_flag(
      "--json", options->as_json,
      "One JSON object an image: path, top (with score_type) or detections, outputs with the "
      "CRC-32 of their bytes; "
      "path and error where there is no answer. A path that is no UTF-8 has its bytes in "
      "path_bytes, "
      "in hexadecimal");
  command->add_option("--annotate", options->annotate, "Write the image with its answer drawn in")
      ->type_name("OUT.png");
  command
      ->add_option("--dump", options->dump, "Write each output as a NumPy file, IMAGE.OUTPUT.npy")
      ->type_name("DIR");
  add_exif_option(*command, options->exif_rotate);
  add_force_option(*command, options->force);
  return [options] { return run(*options); };
}

// ---- eval

Command add_eval(CLI::App& app) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command = app.add_subcommand("eval",
                                         "Measure a model on a folder of images: top-1 and top-5 "
                                         "where the folder tells classes (folders named after the\n"
                                         "labels, or files named INDEX_name.jpg), agreement with "
                                         "another model; for detectors precision, recall and mean\n"
                                         "IoU at 0.5 against the other model's detections.");
  command->add_option("MODEL", options->model, "An .octet model")
      ->required()
      ->type_name("MODEL.octet");
  command->add_option("DIR", options->folder, "The folder of images")->required()->type_name("DIR");
  command
      ->add_option("--compare", options->compare,
                   "The model to compare answers with, usually the float one")
      ->type_name("OTHER.octet");
  command
      ->add_option("--limit", options->limit,
                   "At most this many images, evenly spaced over the folder")
      ->check(whole_number_from(1))
      ->type_name("N");
  command
      ->add_option("--first-class", options->first_class,
                   "The model's class of images named 0_...: 1 where its class 0 is 'background'")
      ->check(whole_number_from(0))
      ->type_name("N");
  add_session_options(*command, options->session);
  add_preprocess_option(*command, options->preprocess);
  add_max_bad_option(*command, options->max_bad_percent);
  add_exif_option(*command, options->exif_rotate);
  command->add_flag("--json", options->as_json,
                    "One JSON object; failed has path and error of each image that was left out");
  return [options] { return eval(*options); };
}

// ---- inspect

Command add_inspect(CLI::App& app) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* command =
      app.add_subcommand("inspect",
                         "Show what a model became: for each node what was fused into it, the type "
                         "and scale of its output, int8 or float\n"
                         "and why, multiply-accumulates and bytes.");
  command->add_option("MODEL", options->model, "An .octet model")
      ->required()
      ->type_name("MODEL.octet");
  add_session_options(*command, options->session);
  command->add_flag("--json", options->as_json, "One JSON object");
  return [options] { return inspect(*options); };
}

// ---- all of them

/// The first file on the command line, which is the model.
std::string first_file(const CLI::App& command) {
  for (const char* name : {"MODEL", "IN"}) {
    const CLI::Option* option = command.get_option_no_throw(name);
    if (option != nullptr && !option->empty()) return option->as<std::string>();
  }
  return command.get_name();
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app{
      "octet runs convolutional networks in int8 on CPUs.\n\n"
      "The usual way: export a float model with calibration (tools/pytorch/octet_export.py),\n"
      "then `octet convert model.safetensors -o model.octet`, then `octet run model.octet "
      "photo.jpg`.\n"
      "Each subcommand explains itself: octet convert --help"};
  app.set_version_flag("--version", std::string("octet ") + version());
  app.require_subcommand(1);
  const std::map<std::string, Command> commands = {
      {"convert", add_convert(app)}, {"run", add_run(app)},         {"eval", add_eval(app)},
      {"bench", add_bench(app)},     {"inspect", add_inspect(app)},
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? succeeded : usage;
  }
  const CLI::App& chosen = *app.get_subcommands().front();
  std::string message;
  try {
    const auto result = commands.at(chosen.get_name())();
    if (result) return *result;
    message = result.error().message;
  } catch (const std::bad_alloc&) {
    message = first_file(chosen) + ": not enough memory for this model";
  }
  std::cerr << "octet: " << message << "\n";
  return failed;
}

}  // namespace octet::tool
