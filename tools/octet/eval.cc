#include "tools/octet/eval.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <new>
#include <nlohmann/json.hpp>

#include "tools/files_in_use.h"
#include "tools/octet/bad_images.h"
#include "tools/octet/class_offsets.h"
#include "tools/octet/dataset.h"
#include "tools/octet/json_text.h"
#include "tools/octet/predictor.h"
#include "tools/octet/preprocess_option.h"
#include "tools/octet/progress.h"
#include "tools/octet/session_options.h"
#include "tools/octet/statistics.h"

namespace octet::tool {
namespace {

using json = nlohmann::ordered_json;

struct Counts {
  std::size_t images = 0;
  std::size_t labelled = 0;
  std::size_t top1 = 0;
  std::size_t top5 = 0;
  std::size_t agree = 0;
  MatchCounts detections;
  std::vector<double> seconds;
  ClassOffsets offsets;
  BadImages bad;
  bool warned = false;  ///< About boxes that are inside out.
};

void count_classes(const Sample& sample, const Answer& ours, const Answer* theirs, Counts& counts) {
  if (sample.label >= 0) {
    ++counts.labelled;
    counts.top1 += ours.top[0].index == sample.label ? 1 : 0;
    counts.offsets.add(sample, ours.top[0].index);
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
    // Where there was nothing to find, finding nothing is right.
    out["precision"] = d.ours == 0 ? 1.0 : share(d.matched, d.ours);
    out["recall"] = d.theirs == 0 ? 1.0 : share(d.matched, d.theirs);
    out["mean_iou"] = d.matched == 0 ? 0.0 : d.iou_sum / static_cast<double>(d.matched);
    out["detections"] = d.ours;
    out["compared_detections"] = d.theirs;
  }
  out["median_ms"] = median(counts.seconds) * 1e3;
  out["failed"] = counts.bad.records();
  return out;
}

/// Adds one image to the counts. Errors are the model's; a bad picture is counted.
Expected<void> evaluate_image(const EvalOptions& options, Predictor& ours,
                              std::optional<Predictor>& theirs, const Sample& sample,
                              Counts& counts) {
  constexpr std::size_t top = 5;
  image::ReadOptions read{.exif_rotate = options.exif_rotate, .made_into = &ours.preprocess()};
  // Inputs of two models that differ are both made from all pixels.
  if (theirs && (theirs->preprocess().height != ours.preprocess().height ||
                 theirs->preprocess().width != ours.preprocess().width ||
                 theirs->preprocess().resize != ours.preprocess().resize)) {
    read.made_into = nullptr;
  }
  const auto image = image::read_image(sample.path, read);
  if (!image) {
    counts.bad.add(sample.path, image.error().message);
    return {};
  }
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
    if (!counts.warned && are_mostly_inside_out(answer->detections)) {
      // The warning comes at once, since thousands of pictures may follow.
      std::cerr << "octet: warning: " << sample.path << ": " << inside_out_warning(ours.model());
      counts.warned = true;
    }
    match(answer->detections, other->detections, counts.detections);
  }
  ++counts.images;
  counts.seconds.push_back(answer->seconds);
  return {};
}

Expected<Counts> evaluate(const EvalOptions& options, Predictor& ours,
                          std::optional<Predictor>& theirs, const std::vector<Sample>& samples) {
  Counts counts;
  Progress progress("evaluating", samples.size());
  for (const Sample& sample : samples) {
    try {
      if (auto ok = evaluate_image(options, ours, theirs, sample, counts); !ok)
        return tl::unexpected(ok.error());
    } catch (const std::bad_alloc&) {
      counts.bad.add(sample.path, sample.path + ": not enough memory for this picture's pixels");
    }
    progress.advance();
  }
  return counts;
}

void print_report(const json& out, bool as_json) {
  if (as_json) {
    std::cout << json_text(out) << "\n";
    return;
  }
  for (const auto& [key, value] : out.items()) {
    if (value.is_number_float()) {
      std::printf("%-20s %.4g\n", key.c_str(), value.get<double>());
    } else if (!value.is_array()) {
      std::printf("%-20s %s\n", key.c_str(), value.dump().c_str());
    } else if (!value.empty()) {
      std::printf("%-20s %zu\n", key.c_str(), value.size());
    }
  }
}

}  // namespace

Expected<int> eval(const EvalOptions& options) {
  if (auto ok = check_session_options(options.session); !ok) return tl::unexpected(ok.error());
  FilesInUse in_use;
  for (const std::string& path : {options.model, options.compare}) {
    if (auto ok = in_use.add(path); !ok) return tl::unexpected(ok.error());
  }
  auto ours = Predictor::create(options.model, options.session, options.preprocess);
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
    auto other = Predictor::create(options.compare, options.session, options.preprocess);
    if (!other) return tl::unexpected(other.error());
    if (other->model().task().type != task) return fail(options.compare + ": its task is another");
    theirs.emplace(std::move(*other));
  }
  const auto samples =
      list_samples(options.folder, ours->model(), options.limit, options.first_class);
  if (!samples) return tl::unexpected(samples.error());
  for (const Sample& sample : *samples) {
    if (auto ok = in_use.add(sample.path); !ok) return tl::unexpected(ok.error());
  }
  const auto counts = evaluate(options, *ours, theirs, *samples);
  if (!counts) return tl::unexpected(counts.error());
  const auto few_bad = counts->bad.finish(options.folder, samples->size(), options.max_bad_percent);
  if (counts->images == 0) return tl::unexpected(few_bad.error());
  if (task == TaskType::classify && counts->labelled == 0 && !theirs) {
    return fail(options.folder +
                ": the images have no classes: put them in folders named after the labels, name "
                "them INDEX_name.jpg, "
                "or give --compare");
  }
  json out = report(*counts, task, theirs.has_value());
  if (const std::string note = counts->offsets.note(options.first_class); !note.empty()) {
    std::cerr << "octet: warning: " << note << "\n";
    if (options.as_json) out["warning"] = note;
  }
  // Too many bad images are an error, but the results of the others are printed first.
  print_report(out, options.as_json);
  std::cout.flush();
  if (!few_bad) return tl::unexpected(few_bad.error());
  return succeeded;
}

}  // namespace octet::tool
