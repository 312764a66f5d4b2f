// A model with a session, answering about images.
#pragma once

#include <string>
#include <vector>

#include "octet/octet.hpp"
#include "tools/image/image.h"
#include "tools/octet/detections.h"

namespace octet::tool {

struct ClassScore {
  int index = 0;
  std::string label;  ///< Empty where the model has no labels.
  float score = 0;    ///< A probability, as the model's scores are or become one (ScoreType).
};

struct Answer {
  std::vector<ClassScore> top;        ///< classify: best first
  std::vector<Detection> detections;  ///< detect: best first
  double seconds = 0;  ///< From u8 pixels to outputs; reading and resizing are not in it.
};

class Predictor {
 public:
  /// `preprocess`, the text of --preprocess, replaces the model's own where it is not empty.
  /// Errors: no model; neither has a preprocessing, or it does not suit the first input; more than
  /// one input; a classifier whose first output is no single row.
  static Expected<Predictor> create(const std::string& path, const SessionOptions& options,
                                    const std::string& preprocess);

  /// `top` classes at most.
  Expected<Answer> answer(const image::Image& image, std::size_t top);

  const Model& model() const { return model_; }
  const Session& session() const { return session_; }
  const Preprocess& preprocess() const { return preprocess_; }

 private:
  Predictor(Model model, Session session, Preprocess preprocess, bool models_own)
      : model_(std::move(model)),
        session_(std::move(session)),
        preprocess_(std::move(preprocess)),
        models_own_(models_own) {}

  Expected<void> set_pixels(const std::vector<uint8_t>& pixels);
  std::vector<ClassScore> best_classes(std::size_t top) const;

  Model model_;
  Session session_;
  Preprocess preprocess_;
  bool models_own_;  // u8 pixels go through the session's tables
};

}  // namespace octet::tool
