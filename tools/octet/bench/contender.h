// A model on octet under measurement.
#pragma once

#include <string>
#include <vector>

#include "tools/octet/bench/turns.h"

namespace octet::tool {

/// Each run sets its input anew, from u8 pixels where the model takes images.
class Contender {
 public:
  static Expected<Contender> create(const std::string& path, const SessionOptions& options);

  /// -> seconds
  Expected<double> run();
  /// The last run counts.
  void keep(double seconds);
  Contestant contestant();

  /// All outputs, one after the other, for the float inputs.
  Expected<std::vector<float>> answer();

  /// What the inputs are set to where they are not pixels; another engine's inputs.
  const std::vector<std::vector<float>>& inputs() const { return floats_; }

  const Model& model() const { return model_; }
  const Session& session() const { return session_; }
  /// Of int8; a model without int8 runs on the float library alone.
  const char* isa() const;
  const Samples& samples() const { return samples_; }
  /// Making the session, packing included.
  double create_ms() const { return create_ms_; }
  double step_ms(std::size_t step) const { return step_samples_[step].median_ms(); }

 private:
  Contender(Model model, Session session, double create_ms)
      : model_(std::move(model)), session_(std::move(session)), create_ms_(create_ms) {}

  void make_inputs();

  Model model_;
  Session session_;
  double create_ms_;
  std::vector<uint8_t> pixels_;
  std::vector<std::vector<float>> floats_;
  Samples samples_;
  std::vector<Samples> step_samples_;
};

}  // namespace octet::tool
