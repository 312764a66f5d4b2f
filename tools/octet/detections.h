// Turns a detector's outputs into boxes in pixels of the image, and compares two sets of boxes.
#pragma once

#include <string>
#include <vector>

#include "octet/octet.hpp"
#include "tools/image/image.h"

namespace octet::tool {

struct Point {
  double x = 0;
  double y = 0;
};

/// Corners and landmarks in pixels of the image.
struct Detection {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
  float score = 0;
  std::vector<Point> landmarks;
};

/// Decodes SSD-style outputs (docs/float_export.md, "task"), keeps scores from the task's threshold
/// on, and drops boxes that overlap a better one by more than the task's IoU. Best first. Errors:
/// outputs of other shapes than the priors ask for.
Expected<std::vector<Detection>> decode_detections(const Session& session, const Model& model,
                                                   const image::Prepared& prepared);

/// Whether in most of them right lies left of left, or bottom above top. Then the task names
/// another form of boxes than the model's.
bool are_mostly_inside_out(const std::vector<Detection>& detections);
/// The warning for the user in this case, with an end of line.
std::string inside_out_warning(const Model& model);

double intersection_over_union(const Detection& a, const Detection& b);

/// Counts of one or more images.
struct MatchCounts {
  std::size_t ours = 0;
  std::size_t theirs = 0;
  std::size_t matched = 0;
  double iou_sum = 0;  ///< of the matched pairs
};

/// Pairs each of our detections, best score first, with the free one of theirs that it overlaps
/// most, from IoU 0.5 on.
void match(const std::vector<Detection>& ours, const std::vector<Detection>& theirs,
           MatchCounts& counts);

}  // namespace octet::tool
