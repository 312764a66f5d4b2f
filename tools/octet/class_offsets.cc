#include "tools/octet/class_offsets.h"

#include <algorithm>

namespace octet::tool {

void ClassOffsets::add(const Sample& sample, int answer) {
  ++counts_[answer - sample.label];
  labels_.insert(sample.label);
  ++total_;
  numbered_ = numbered_ && sample.is_numbered;
}

std::string ClassOffsets::note(int first_class) const {
  // One class, or two images, may be wrong in the same way by chance.
  constexpr std::size_t least_images = 3;
  constexpr std::size_t least_classes = 2;
  if (total_ < least_images || labels_.size() < least_classes) return "";
  const auto most =
      std::ranges::max_element(counts_, {}, [](const auto& entry) { return entry.second; });
  const auto [offset, count] = *most;
  if (offset == 0) return "";
  // With the right beginning, a good model would be right about most images. A weaker one would be
  // right far more often than with this beginning, and more often than by chance.
  constexpr std::size_t least_answers = 8;
  constexpr std::size_t times_as_often = 4;
  const auto right = counts_.find(0);
  const std::size_t right_here = right == counts_.end() ? 0 : right->second;
  const bool is_most = 2 * count > total_;
  const bool is_far_more =
      count >= least_answers && 10 * count >= total_ && count > times_as_often * right_here;
  if (!is_most && !is_far_more) return "";
  const std::string off = std::to_string(count) + " of " + std::to_string(total_) +
                          " answers are off by " + (offset > 0 ? "+" : "") +
                          std::to_string(offset) + ": ";
  const int beginning = first_class + offset;
  if (!numbered_) {
    return off +
           "the model's labels begin at another class than its scores; convert it with "
           "--labels that suit its scores ('background' first, where its class 0 is that)";
  }
  if (beginning < 0) {
    return off + "the files' numbers begin at another class than the model's scores";
  }
  return off + "--first-class " + std::to_string(beginning) +
         " is meant where the model's classes begin there, after 'background' for one";
}

}  // namespace octet::tool
