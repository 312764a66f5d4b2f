// A model on octet under measurement.
#pragma once

#include <string>
#include <vector>

#include "tools/octet/bench/peak_memory.h"
#include "tools/octet/bench/turns.h"

namespace octet::tool {

/// What a model's inputs are set to.
struct Inputs {
  std::vector<uint8_t> pixels;  ///< Of the first, where it is an image.
  std::vector<std::vector<float>> floats;
};

/// Each run sets its input anew, from u8 pixels where the model takes images.
class Contender {
 public:
  /// `preprocess`: the text of --preprocess, or empty.
  static Expected<Contender> create(const std::string& path, const SessionOptions& options,
                                    const std::string& preprocess = "");

  /// -> seconds
  Expected<double> run();
  /// The last run counts.
  void keep(double seconds);
  Contestant contestant();

  /// All outputs, one after the other, for the float inputs.
  Expected<std::vector<float>> answer();

  /// What the inputs are set to where they are not pixels; another engine's inputs.
  const std::vector<std::vector<float>>& inputs() const { return inputs_.floats; }

  const Model& model() const { return model_; }
  const Session& session() const { return session_; }
  /// Of int8; a model without int8 runs on the float library alone.
  const char* isa() const;
  const Samples& samples() const { return samples_; }
  /// Making the session, packing included.
  double create_ms() const { return create_ms_; }
  /// Memory that making and running the session took; none where the system does not tell, or
  /// before the first run.
  std::optional<std::size_t> peak_bytes() const { return peak_bytes_; }
  double step_ms(std::size_t step) const { return step_samples_[step].median_ms(); }

 private:
  Contender(Model model, Inputs inputs, const PeakMemory& memory, Session session, double create_ms)
      : model_(std::move(model)),
        inputs_(std::move(inputs)),
        memory_(memory),
        session_(std::move(session)),
        create_ms_(create_ms) {}

  /// After each run: the first has touched all memory that there will be.
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
