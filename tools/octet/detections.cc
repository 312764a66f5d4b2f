#include "tools/octet/detections.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "kernels/scalar/exact_math.h"

namespace octet::tool {
namespace {

constexpr double match_iou = 0.5;

// Centre and extent as shares of the input's width and height.
struct Prior {
  double x, y, width, height;
};

/// Four values: corners, or values that a prior turns into corners.
using Box = std::span<const float, 4>;

/// A box's corners as shares of the input's width and height.
struct Corners {
  double left, top, right, bottom;
};

/// exp_float64 gives the same boxes on every CPU.
Corners decode_box(Box box, const Prior& prior, const std::vector<float>& variances) {
  const double x = prior.x + box[0] * double{variances[0]} * prior.width;
  const double y = prior.y + box[1] * double{variances[0]} * prior.height;
  const double half_width = prior.width * kernels::exp_float64(box[2] * double{variances[1]}) / 2;
  const double half_height = prior.height * kernels::exp_float64(box[3] * double{variances[1]}) / 2;
  return {.left = x - half_width,
          .top = y - half_height,
          .right = x + half_width,
          .bottom = y + half_height};
}

/// Where there are no priors, the scores say how many boxes there are.
double count_boxes(const TensorView& scores) {
  const auto& shape = scores.info->shape;
  return shape.size() == 3 ? shape[1] : 0;
}

// In double, since a damaged file's steps may be anything.
double count_priors(const Task& task, int height, int width) {
  double count = 0;
  for (std::size_t map = 0; map < task.steps.size(); ++map) {
    const double step = task.steps[map];
    count += std::ceil(height / step) * std::ceil(width / step) *
             static_cast<double>(task.min_sizes[map].size());
  }
  return count;
}

std::vector<Prior> make_priors(const Task& task, int height, int width) {
  std::vector<Prior> priors;
  for (std::size_t map = 0; map < task.steps.size(); ++map) {
    const double step = task.steps[map];
    const int rows = static_cast<int>(std::ceil(height / step));
    const int columns = static_cast<int>(std::ceil(width / step));
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column) {
        for (const float size : task.min_sizes[map]) {
          priors.push_back({.x = (column + 0.5) * step / width,
                            .y = (row + 0.5) * step / height,
                            .width = static_cast<double>(size) / width,
                            .height = static_cast<double>(size) / height});
        }
      }
    }
  }
  return priors;
}

std::string whole_number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.10g", value);
  return text;
}

Expected<std::span<const float>> detector_output(const Session& session, int index,
                                                 const char* what, double priors,
                                                 std::size_t columns_multiple) {
  const TensorView view = session.output(static_cast<std::size_t>(index));
  const auto& shape = view.info->shape;
  const bool fits = view.info->type == Type::f32 && shape.size() == 3 && shape[0] == 1 &&
                    static_cast<double>(shape[1]) == priors &&
                    static_cast<std::size_t>(shape[2]) % columns_multiple == 0;
  if (!fits) {
    return fail(std::string("the detector's ") + what + " output '" + view.info->name +
                "' does not have the shape that its task asks for, [1, " + whole_number(priors) +
                ", " + std::to_string(columns_multiple) + "]");
  }
  return view.values<float>();
}

// Drops boxes that overlap a better one; of equal scores the earlier box is the better one.
// (std::stable_sort is not used: that of libstdc++ 12 uses parts that C++20 deprecates, and clang
// warns.)
std::vector<Detection> suppress(std::vector<Detection> all, double iou) {
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return all[a].score != all[b].score ? all[a].score > all[b].score : a < b;
  });
  std::vector<Detection> kept;
  for (const std::size_t number : order) {
    Detection& candidate = all[number];
    const bool covered = std::ranges::any_of(kept, [&](const Detection& better) {
      return intersection_over_union(candidate, better) > iou;
    });
    if (!covered) kept.push_back(std::move(candidate));
  }
  return kept;
}

}  // namespace

bool are_mostly_inside_out(const std::vector<Detection>& detections) {
  const auto count = std::ranges::count_if(
      detections, [](const Detection& d) { return d.right < d.left || d.bottom < d.top; });
  return 2 * static_cast<std::size_t>(count) > detections.size();
}

std::string inside_out_warning(const Model& model) {
  const std::string form = model.task().corners ? "corners, left, top, right, bottom"
                                                : "priors, an offset from each prior";
  return "in most boxes right lies left of left, or bottom above top: the boxes of " +
         model.path() + " have another form than its task says (" + form +
         "); convert it with another \"box_coding\" in --task (docs/float_export.md, \"task\")\n";
}

double intersection_over_union(const Detection& a, const Detection& b) {
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const double both = width * height;
  const double area_a = (a.right - a.left) * (a.bottom - a.top);
  const double area_b = (b.right - b.left) * (b.bottom - b.top);
  return both / (area_a + area_b - both);
}

Expected<std::vector<Detection>> decode_detections(const Session& session, const Model& model,
                                                   const image::Prepared& prepared) {
  const Task& task = model.task();
  const auto& input = model.inputs()[0].shape;
  if (input.size() != 4)
    return fail(model.path() + ": a detector's input is an image [1, H, W, C]");
  const int height = input[1];
  const int width = input[2];
  const double prior_count =
      task.corners ? count_boxes(session.output(static_cast<std::size_t>(task.scores)))
                   : count_priors(task, height, width);
  const auto boxes = detector_output(session, task.boxes, "boxes", prior_count, 4);
  if (!boxes) return fail(model.path() + ": " + boxes.error().message);
  const auto scores = detector_output(session, task.scores, "scores", prior_count, 2);
  if (!scores) return fail(model.path() + ": " + scores.error().message);
  std::span<const float> landmarks;
  if (task.landmarks >= 0) {
    const auto values = detector_output(session, task.landmarks, "landmarks", prior_count, 2);
    if (!values) return fail(model.path() + ": " + values.error().message);
    landmarks = *values;
  }
  const std::vector<Prior> priors =
      task.corners ? std::vector<Prior>() : make_priors(task, height, width);
  const auto box_count = static_cast<std::size_t>(prior_count);
  if (boxes->size() != box_count * 4 || scores->size() != box_count * 2) {
    return fail(model.path() +
                ": the detector's boxes or scores have another number of columns than 4 and 2");
  }
  const std::size_t coordinates = box_count == 0 ? 0 : landmarks.size() / box_count;

  const auto image_x = [&](double x) { return (x * width + prepared.offset_x) * prepared.scale_x; };
  const auto image_y = [&](double y) {
    return (y * height + prepared.offset_y) * prepared.scale_y;
  };
  std::vector<Detection> found;
  for (std::size_t i = 0; i < box_count; ++i) {
    const float score = (*scores)[2 * i + 1];
    if (!(score >= task.score_threshold)) continue;
    const Box box(boxes->data() + 4 * i, 4);
    const Corners corners =
        task.corners ? Corners{.left = box[0], .top = box[1], .right = box[2], .bottom = box[3]}
                     : decode_box(box, priors[i], task.variances);
    Detection detection{.left = image_x(corners.left),
                        .top = image_y(corners.top),
                        .right = image_x(corners.right),
                        .bottom = image_y(corners.bottom),
                        .score = score};
    for (std::size_t k = 0; k + 1 < coordinates; k += 2) {
      const float* p = landmarks.data() + coordinates * i + k;
      Point point{.x = p[0], .y = p[1]};
      if (!task.corners) {
        point.x = priors[i].x + p[0] * double{task.variances[0]} * priors[i].width;
        point.y = priors[i].y + p[1] * double{task.variances[0]} * priors[i].height;
      }
      detection.landmarks.push_back({.x = image_x(point.x), .y = image_y(point.y)});
    }
    found.push_back(std::move(detection));
  }
  return suppress(std::move(found), task.nms_iou);
}

void match(const std::vector<Detection>& ours, const std::vector<Detection>& theirs,
           MatchCounts& counts) {
  std::vector<bool> taken(theirs.size(), false);
  counts.ours += ours.size();
  counts.theirs += theirs.size();
  for (const Detection& detection : ours) {
    double best = 0;
    std::size_t best_index = 0;
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      const double iou = taken[i] ? 0 : intersection_over_union(detection, theirs[i]);
      if (iou > best) best = iou, best_index = i;
    }
    if (best < match_iou) continue;
    taken[best_index] = true;
    ++counts.matched;
    counts.iou_sum += best;
  }
}

}  // namespace octet::tool
