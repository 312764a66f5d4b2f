#include "tools/octet/bench/contender.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "engine/float_island.h"

namespace octet::tool {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

Expected<Contender> Contender::create(const std::string& path, const SessionOptions& options) {
  auto model = Model::load(path);
  if (!model) return tl::unexpected(model.error());
  const auto begin = Clock::now();
  auto session = Session::create(*model, options);
  const double create_ms = seconds_since(begin) * 1e3;
  if (!session) return tl::unexpected(session.error());
  Contender contender(std::move(*model), std::move(*session), create_ms);
  contender.make_inputs();
  return contender;
}

Expected<double> Contender::run() {
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < model_.inputs().size(); ++i) {
    const bool image = i == 0 && !pixels_.empty();
    if (auto ok = image ? session_.set_pixels(0, pixels_) : session_.set_input(i, floats_[i]);
        !ok) {
      return tl::unexpected(ok.error());
    }
  }
  if (auto ok = session_.run(); !ok) return tl::unexpected(ok.error());
  return seconds_since(begin);
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
  for (std::size_t i = 0; i < floats_.size(); ++i) {
    if (auto ok = session_.set_input(i, floats_[i]); !ok) return tl::unexpected(ok.error());
  }
  if (auto ok = session_.run(); !ok) return tl::unexpected(ok.error());
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

const char* Contender::isa() const { return model_.has_int8() ? session_.isa() : float_library(); }

void Contender::make_inputs() {
  std::mt19937 random(1);
  for (const TensorInfo& input : model_.inputs()) {
    std::size_t count = 1;
    for (const int32_t extent : input.shape) count *= static_cast<std::size_t>(extent);
    auto& values = floats_.emplace_back(count);
    std::normal_distribution<float> normal;
    std::ranges::generate(values, [&] { return normal(random); });
  }
  const Preprocess* preprocess = model_.preprocess();
  if (preprocess == nullptr) return;
  // The same image for those who take pixels and those who take floats.
  const std::size_t channels = preprocess->mean.size();
  for (std::size_t i = 0; i < floats_[0].size(); ++i) {
    pixels_.push_back(static_cast<uint8_t>(random() & 0xFF));
    const std::size_t c = i % channels;
    floats_[0][i] = (static_cast<float>(pixels_[i]) - preprocess->mean[c]) / preprocess->std[c];
  }
}

}  // namespace octet::tool
