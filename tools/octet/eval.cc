#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/octet/commands.h"
#include "tools/octet/dataset.h"
#include "tools/octet/predictor.h"
#include "tools/octet/progress.h"
#include "tools/octet/statistics.h"

namespace octet::tool {
namespace {

using json = nlohmann::ordered_json;

struct Options {
  std::string model;
  std::string folder;
  std::string compare;
  std::size_t limit = 0;
  int first_class = 0;
  SessionOptions session;
  std::string preprocess;
  bool as_json = false;
};

struct Counts {
  std::size_t images = 0;
  std::size_t labelled = 0;
  std::size_t top1 = 0;
  std::size_t top5 = 0;
  std::size_t agree = 0;
  MatchCounts detections;
  std::vector<double> seconds;
};

void count_classes(const Sample& sample, const Answer& ours, const Answer* theirs, Counts& counts) {
  if (sample.label >= 0) {
    ++counts.labelled;
    counts.top1 += ours.top[0].index == sample.label ? 1 : 0;
    counts.top5 += std::ranges::count(ours.top, sample.label, &ClassScore::index) > 0 ? 1 : 0;
  }
  if (theirs != nullptr) counts.agree += ours.top[0].index == theirs->top[0].index ? 1 : 0;
}

double share(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

json report(const Counts& counts, TaskType task, bool compared) {
  json out = {{"images", counts.images}};
  if (task == TaskType::classify) {
    if (counts.labelled > 0) {
      out["top1"] = 100 * share(counts.top1, counts.labelled);
      out["top5"] = 100 * share(counts.top5, counts.labelled);
    }
    if (compared) out["agreement"] = 100 * share(counts.agree, counts.images);
  } else {
    const MatchCounts& d = counts.detections;
    // Nothing found where nothing was to be found is right.
    out["precision"] = d.ours == 0 ? 1.0 : share(d.matched, d.ours);
    out["recall"] = d.theirs == 0 ? 1.0 : share(d.matched, d.theirs);
    out["mean_iou"] = d.matched == 0 ? 0.0 : d.iou_sum / static_cast<double>(d.matched);
    out["detections"] = d.ours;
    out["compared_detections"] = d.theirs;
  }
  out["median_ms"] = median(counts.seconds) * 1e3;
  return out;
}

Expected<Counts> evaluate(Predictor& ours, std::optional<Predictor>& theirs,
                          const std::vector<Sample>& samples) {
  constexpr std::size_t top = 5;
  Counts counts;
  Progress progress("evaluating", samples.size());
  for (const Sample& sample : samples) {
    const auto image = image::read_image(sample.path);
    if (!image) return tl::unexpected(image.error());
    const auto answer = ours.answer(*image, top);
    if (!answer) return fail(sample.path + ": " + answer.error().message);
    std::optional<Answer> other;
    if (theirs) {
      auto compared = theirs->answer(*image, top);
      if (!compared) return fail(sample.path + ": " + compared.error().message);
      other = std::move(*compared);
    }
    if (ours.model().task().type == TaskType::classify) {
      count_classes(sample, *answer, other ? &*other : nullptr, counts);
    } else {
      match(answer->detections, other->detections, counts.detections);
    }
    ++counts.images;
    counts.seconds.push_back(answer->seconds);
    progress.advance();
  }
  return counts;
}

Expected<int> eval(const Options& options) {
  if (auto ok = check_session_options(options.session); !ok) return tl::unexpected(ok.error());
  const auto preprocess = parse_preprocess_option(options.preprocess);
  if (!preprocess) return tl::unexpected(preprocess.error());
  auto ours = Predictor::create(options.model, options.session, *preprocess);
  if (!ours) return tl::unexpected(ours.error());
  const TaskType task = ours->model().task().type;
  if (task == TaskType::none) {
    return fail(options.model +
                ": the model has no task (classify or detect): export it with task=, or convert it "
                "with --task classify");
  }
  if (task == TaskType::detect && options.compare.empty()) {
    return fail(
        "a detector is measured against another model's detections: give --compare OTHER, the "
        "float model");
  }
  std::optional<Predictor> theirs;
  if (!options.compare.empty()) {
    auto other = Predictor::create(options.compare, options.session, *preprocess);
    if (!other) return tl::unexpected(other.error());
    if (other->model().task().type != task) return fail(options.compare + ": its task is another");
    theirs.emplace(std::move(*other));
  }
  const auto samples =
      list_samples(options.folder, ours->model(), options.limit, options.first_class);
  if (!samples) return tl::unexpected(samples.error());
  const auto counts = evaluate(*ours, theirs, *samples);
  if (!counts) return tl::unexpected(counts.error());
  if (task == TaskType::classify && counts->labelled == 0 && !theirs) {
    return fail(options.folder +
                ": the images have no classes: put them in folders named after the labels, name "
                "them INDEX_name.jpg, "
                "or give --compare");
  }
  const json out = report(*counts, task, theirs.has_value());
  if (options.as_json) {
    std::cout << out.dump() << "\n";
    return succeeded;
  }
  for (const auto& [key, value] : out.items()) {
    if (value.is_number_float()) {
      std::printf("%-20s %.4g\n", key.c_str(), value.get<double>());
    } else {
      std::printf("%-20s %s\n", key.c_str(), value.dump().c_str());
    }
  }
  return succeeded;
}

}  // namespace

Command add_eval(CLI::App& app) {
  auto options = std::make_shared<Options>();
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
  command->add_option("--preprocess", options->preprocess, "As in `octet run`")->type_name("JSON");
  command->add_flag("--json", options->as_json, "One JSON object");
  return [options] { return eval(*options); };
}

}  // namespace octet::tool
