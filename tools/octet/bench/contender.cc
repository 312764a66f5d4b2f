#include "tools/octet/bench/contender.h"

#include <algorithm>
#include <random>

#include "engine/float/island.h"
#include "tools/octet/bench/clock.h"
#include "tools/octet/preprocess_option.h"

namespace octet::tool {
namespace {

/// `given` replaces the preprocessing of the model.
Inputs make_inputs(const Model& model, const std::optional<Preprocess>& given) {
  Inputs inputs;
  std::mt19937 random(1);
  for (const TensorInfo& input : model.inputs()) {
    std::size_t count = 1;
    for (const int32_t extent : input.shape) count *= static_cast<std::size_t>(extent);
    auto& values = inputs.floats.emplace_back(count);
    std::normal_distribution<float> normal;
    std::ranges::generate(values, [&] { return normal(random); });
  }
  const Preprocess* preprocess = given ? &*given : model.preprocess();
  if (preprocess == nullptr) return inputs;
  // Engines that take pixels and those that take floats get the same image.
  std::vector<float>& image = inputs.floats[0];
  const std::size_t channels = preprocess->mean.size();
  for (std::size_t i = 0; i < image.size(); ++i) {
    inputs.pixels.push_back(static_cast<uint8_t>(random() & 0xFF));
    const std::size_t c = i % channels;
    image[i] = (static_cast<float>(inputs.pixels[i]) - preprocess->mean[c]) / preprocess->std[c];
  }
  // A session turns pixels into floats by the model's own rule, so `given` needs floats.
  if (given) inputs.pixels.clear();
  return inputs;
}

}  // namespace

Expected<Contender> Contender::create(const std::string& path, const SessionOptions& options,
                                      const std::string& preprocess) {
  auto model = Model::load(path);
  if (!model) return tl::unexpected(model.error());
  const auto given = read_preprocess_option(preprocess, *model);
  if (!given) return tl::unexpected(given.error());
  Inputs inputs = make_inputs(*model, *given);
  const PeakMemory memory;
  const auto begin = Clock::now();
  auto session = Session::create(*model, options);
  const double create_ms = seconds_since(begin) * 1e3;
  if (!session) return tl::unexpected(session.error());
  return Contender(std::move(*model), std::move(inputs), memory, std::move(*session), create_ms);
}

Expected<double> Contender::run() {
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < model_.inputs().size(); ++i) {
    const bool image = i == 0 && !inputs_.pixels.empty();
    if (auto ok = image ? session_.set_pixels(0, inputs_.pixels)
                        : session_.set_input(i, inputs_.floats[i]);
        !ok) {
      return tl::unexpected(ok.error());
    }
  }
  if (auto ok = session_.run(); !ok) return tl::unexpected(ok.error());
  const double seconds = seconds_since(begin);
  note_peak();
  return seconds;
}

void Contender::note_peak() {
  if (ran_) return;
  ran_ = true;
  peak_bytes_ = memory_.bytes();
}

void Contender::keep(double seconds) {
  samples_.add(seconds);
  const auto steps = session_.step_seconds();
  step_samples_.resize(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) step_samples_[i].add(steps[i]);
}

Contestant Contender::contestant() {
  return {.run = [this] { return run(); }, .keep = [this](double seconds) { keep(seconds); }};
}

Expected<std::vector<float>> Contender::answer() {
  for (std::size_t i = 0; i < inputs_.floats.size(); ++i) {
    if (auto ok = session_.set_input(i, inputs_.floats[i]); !ok) return tl::unexpected(ok.error());
  }
  if (auto ok = session_.run(); !ok) return tl::unexpected(ok.error());
  note_peak();
  std::vector<float> all;
  for (std::size_t i = 0; i < session_.output_count(); ++i) {
    const TensorView view = session_.output(i);
    if (view.info->type == Type::f32) {
      const auto values = view.values<float>();
      all.insert(all.end(), values.begin(), values.end());
    } else {
      for (const int32_t index : view.values<int32_t>()) all.push_back(static_cast<float>(index));
    }
  }
  return all;
}

const char* Contender::isa() const {
  return model_.has_int8() || model_.is_exact() ? session_.isa() : float_library();
}

}  // namespace octet::tool
