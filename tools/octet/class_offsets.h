// Finds out whether a model's answers are right except for the number at which its classes begin.
#pragma once

#include <map>
#include <set>
#include <string>

#include "tools/octet/dataset.h"

namespace octet::tool {

class ClassOffsets {
 public:
  /// `answer` is the index of the best class. The sample's class has to be known.
  void add(const Sample& sample, int answer);

  /// A sentence for the user where most answers are off by the same number of classes, empty where
  /// they are not.
  std::string note(int first_class) const;

 private:
  std::map<int, std::size_t> counts_;  ///< How many answers are off, by offset.
  std::set<int> labels_;
  std::size_t total_ = 0;
  bool numbered_ = true;
};

}  // namespace octet::tool
