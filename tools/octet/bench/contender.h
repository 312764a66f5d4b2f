// A model on octet that is measured.
#pragma once

#include <string>
#include <vector>

#include "tools/octet/bench/peak_memory.h"
#include "tools/octet/bench/turns.h"

namespace octet::tool {

/// The values that a model's inputs are set to.
struct Inputs {
  std::vector<uint8_t> pixels;  ///< The first input's, where that is an image.
  std::vector<std::vector<float>> floats;
};

/// Each run sets its input anew, from u8 pixels where the model takes images.
class Contender {
 public:
  /// `preprocess`: the text of --preprocess, or empty.
  static Expected<Contender> create(const std::string& path, const SessionOptions& options,
                                    const std::string& preprocess = "");

  /// Returns seconds.
  Expected<double> run();
  /// Counts the last run.
  void keep(double seconds);
  Contestant contestant();

  /// All outputs, one after the other, for the float inputs.
  Expected<std::vector<float>> answer();

  /// The float values of the inputs, which other engines get as well.
  const std::vector<std::vector<float>>& inputs() const { return inputs_.floats; }

  const Model& model() const { return model_; }
  const Session& session() const { return session_; }
  /// The session's instruction set, or the float library where the model runs on that alone.
  const char* isa() const;
  const Samples& samples() const { return samples_; }
  /// The time that making the session took, packing included.
  double create_ms() const { return create_ms_; }
  /// Memory that making and running the session took; none where the system does not say, or before
  /// the first run.
  std::optional<std::size_t> peak_bytes() const { return peak_bytes_; }
  double step_ms(std::size_t step) const { return step_samples_[step].median_ms(); }

 private:
  Contender(Model model, Inputs inputs, const PeakMemory& memory, Session session, double create_ms)
      : model_(std::move(model)),
        inputs_(std::move(inputs)),
        memory_(memory),
        session_(std::move(session)),
        create_ms_(create_ms) {}

  /// Called after each run; the first run has touched all memory that the session will ever use.
  void note_peak();

  Model model_;
  Inputs inputs_;
  PeakMemory memory_;
  Session session_;
  double create_ms_;
  bool ran_ = false;
  std::optional<std::size_t> peak_bytes_;
  Samples samples_;
  std::vector<Samples> step_samples_;
};

}  // namespace octet::tool
