// A model with a session, which answers about images.
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
  float score = 0;    ///< A probability, made from the model's score by its ScoreType.
};

struct Answer {
  std::vector<ClassScore> top;        ///< classify: best first
  std::vector<Detection> detections;  ///< detect: best first
  double seconds = 0;                 ///< From u8 pixels to outputs, without reading and resizing.
};

class Predictor {
 public:
  /// `preprocess`, the text of --preprocess, replaces the model's own where it is not empty.
  /// Errors: no model; neither gives a preprocessing, or it does not suit the first input; the
  /// model has more than one input; it is a classifier whose first output is not a single row.
  static Expected<Predictor> create(const std::string& path, const SessionOptions& options,
                                    const std::string& preprocess);

  /// The answer has at most `top` classes.
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
