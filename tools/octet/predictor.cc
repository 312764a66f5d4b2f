#include "tools/octet/predictor.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "engine/operator.h"
#include "kernels/scalar/exact_math.h"
#include "loaders/preprocess.h"
#include "tools/octet/preprocess_option.h"

namespace octet::tool {
namespace {

Expected<Preprocess> choose_preprocess(const Model& model, const std::optional<Preprocess>& given) {
  if (given) return *given;
  if (model.preprocess() == nullptr) {
    return fail(model.path() +
                ": the model does not say how an image becomes its input: give --preprocess with a "
                "preset (" +
                loaders::preprocess_preset_names() +
                ") or JSON (docs/float_export.md), or convert or export it with a preprocessing");
  }
  return *model.preprocess();
}

// A classifier answers with one row of scores, or with the index of one class.
Expected<void> check_scores(const Model& model) {
  if (model.task().type != TaskType::classify) return {};
  const TensorInfo& output = model.outputs()[0];
  const bool one_answer =
      output.type == Type::s32
          ? std::ranges::all_of(output.shape, [](int32_t n) { return n == 1; })
          : std::ranges::count_if(output.shape, [](int32_t n) { return n > 1; }) < 2;
  if (one_answer) return {};
  return fail(model.path() + ": the model's task is classify, but its output '" + output.name +
              "' is " + shape_text(output.shape) +
              ": answers at many places; export it without a task");
}

/// Turns each score into a probability.
class Probability {
 public:
  Probability(ScoreType type, std::span<const float> scores)
      : type_(type), largest_(*std::ranges::max_element(scores)) {
    if (type != ScoreType::logits) return;
    for (const float s : scores) sum_ += kernels::exp_float64(static_cast<double>(s - largest_));
  }

  double of(float score) const {
    switch (type_) {
      case ScoreType::logits:
        return kernels::exp_float64(static_cast<double>(score - largest_)) / sum_;
      case ScoreType::probabilities:
      case ScoreType::independent:
        break;
      case ScoreType::log_probabilities:
        return kernels::exp_float64(static_cast<double>(score));
    }
    return static_cast<double>(score);
  }

 private:
  ScoreType type_;
  float largest_;
  double sum_ = 0;
};

}  // namespace

Expected<Predictor> Predictor::create(const std::string& path, const SessionOptions& options,
                                      const std::string& preprocess) {
  auto model = Model::load(path);
  if (!model) return tl::unexpected(model.error());
  if (model->inputs().size() != 1) {
    return fail(path + ": the model has " + std::to_string(model->inputs().size()) +
                " inputs; the tool runs models of one image input (the C++ API runs any)");
  }
  if (auto ok = check_scores(*model); !ok) return tl::unexpected(ok.error());
  const auto given = read_preprocess_option(preprocess, *model);
  if (!given) return tl::unexpected(given.error());
  auto chosen = choose_preprocess(*model, *given);
  if (!chosen) return tl::unexpected(chosen.error());
  auto session = Session::create(*model, options);
  if (!session) return tl::unexpected(session.error());
  return Predictor(std::move(*model), std::move(*session), std::move(*chosen), !*given);
}

Expected<void> Predictor::set_pixels(const std::vector<uint8_t>& pixels) {
  if (models_own_) return session_.set_pixels(0, pixels);
  std::vector<float> values(pixels.size());
  const std::size_t channels = preprocess_.mean.size();
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    values[i] = (static_cast<float>(pixels[i]) - preprocess_.mean[i % channels]) /
                preprocess_.std[i % channels];
  }
  return session_.set_input(0, values);
}

std::vector<ClassScore> Predictor::best_classes(std::size_t top) const {
  const auto view = session_.output(0);
  if (view.info->type == Type::s32) {
    const int index = view.values<int32_t>()[0];
    const bool known = index >= 0 && static_cast<std::size_t>(index) < model_.labels().size();
    return {{.index = index,
             .label = known ? model_.labels()[static_cast<std::size_t>(index)] : "",
             .score = 1}};
  }
  const auto scores = view.values<float>();
  std::vector<int> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto score = [&](int i) { return scores[static_cast<std::size_t>(i)]; };
  const std::size_t count = std::min(top, order.size());
  // Of equal scores the lower index comes first, so that the answer is always the same.
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
      [&](int a, int b) { return score(a) != score(b) ? score(a) > score(b) : a < b; });
  const Probability probability(model_.task().score_type, scores);
  std::vector<ClassScore> out;
  for (std::size_t i = 0; i < count; ++i) {
    const int index = order[i];
    const auto label_index = static_cast<std::size_t>(index);
    out.push_back(
        {.index = index,
         .label = label_index < model_.labels().size() ? model_.labels()[label_index] : "",
         .score = static_cast<float>(probability.of(score(index)))});
  }
  return out;
}

Expected<Answer> Predictor::answer(const image::Image& image, std::size_t top) {
  const image::Prepared prepared = image::prepare(image, preprocess_);
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  if (auto ok = set_pixels(prepared.pixels); !ok) return tl::unexpected(ok.error());
  if (auto ok = session_.run(); !ok) return tl::unexpected(ok.error());
  Answer answer{.seconds = std::chrono::duration<double>(Clock::now() - begin).count()};
  if (model_.task().type == TaskType::classify) answer.top = best_classes(top);
  if (model_.task().type == TaskType::detect) {
    auto detections = decode_detections(session_, model_, prepared);
    if (!detections) return tl::unexpected(detections.error());
    answer.detections = std::move(*detections);
  }
  return answer;
}

}  // namespace octet::tool
