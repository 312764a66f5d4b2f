#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <thread>

#include "engine/float_island.h"
#include "kernels/measure_peak.h"
#include "tools/octet/against/opponent.h"
#include "tools/octet/bytes_moved.h"
#include "tools/octet/commands.h"
#include "tools/octet/progress.h"
#include "tools/octet/statistics.h"

namespace octet::tool {
namespace {

using json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string model;
  std::string compare;
  std::vector<std::string> against;
  SessionOptions session;
  std::size_t runs = 0;
  std::size_t warmup = 3;
  bool layers = false;
  bool as_json = false;
};

// Without --runs: as many as fit, within these bounds.
constexpr double time_budget_seconds = 4;
constexpr std::size_t least_runs = 10;
constexpr std::size_t most_runs = 2000;
// An engine's threads go on looking for work for a while after its turn, on the cores that the next
// one's need: with several threads each turn begins with a rest and a run that is not measured.
constexpr std::chrono::milliseconds rest{20};

// A model under measurement: each run sets its input anew, from u8 pixels where the model takes
// images.
class Contender {
 public:
  static Expected<Contender> create(const std::string& path, const SessionOptions& options) {
    auto model = Model::load(path);
    if (!model) return tl::unexpected(model.error());
    auto session = Session::create(*model, options);
    if (!session) return tl::unexpected(session.error());
    Contender contender(std::move(*model), std::move(*session));
    contender.make_inputs();
    return contender;
  }

  Expected<double> run() {
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < model_.inputs().size(); ++i) {
      const bool image = i == 0 && !pixels_.empty();
      if (auto ok = image ? session_.set_pixels(0, pixels_) : session_.set_input(i, floats_[i]);
          !ok) {
        return tl::unexpected(ok.error());
      }
    }
    if (auto ok = session_.run(); !ok) return tl::unexpected(ok.error());
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  /// All outputs, one after the other, for the float inputs.
  Expected<std::vector<float>> answer() {
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

  void record(double seconds) {
    seconds_.push_back(seconds);
    const auto steps = session_.step_seconds();
    step_seconds_.resize(steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i) step_seconds_[i].push_back(steps[i]);
  }

  /// What the inputs are set to where they are not pixels; another engine's inputs.
  const std::vector<std::vector<float>>& inputs() const { return floats_; }

  const Model& model() const { return model_; }
  const Session& session() const { return session_; }
  /// Of int8; a model without int8 runs on the float library alone.
  const char* isa() const { return model_.has_int8() ? session_.isa() : float_library(); }
  double minimum_ms() const { return *std::ranges::min_element(seconds_) * 1e3; }
  double median_ms() const { return median(seconds_) * 1e3; }
  double step_ms(std::size_t step) const { return median(step_seconds_[step]) * 1e3; }
  std::size_t runs() const { return seconds_.size(); }

 private:
  Contender(Model model, Session session)
      : model_(std::move(model)), session_(std::move(session)) {}

  void make_inputs() {
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

  Model model_;
  Session session_;
  std::vector<uint8_t> pixels_;
  std::vector<std::vector<float>> floats_;
  std::vector<double> seconds_;
  std::vector<std::vector<double>> step_seconds_;  // by step, by run
};

// Another engine's measurements.
class Rival {
 public:
  Rival(std::string name, std::unique_ptr<Opponent> opponent)
      : name_(std::move(name)), opponent_(std::move(opponent)) {}

  Expected<double> run() {
    const auto begin = Clock::now();
    if (auto ok = opponent_->run(); !ok) return tl::unexpected(ok.error());
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }
  void record(double seconds) { seconds_.push_back(seconds); }

  /// Runs once and compares its outputs with octet's: is it the same network?
  Expected<void> compare_outputs(const std::vector<float>& ours) {
    if (auto ok = opponent_->run(); !ok) return ok;
    const auto theirs = opponent_->outputs();
    if (!theirs) return tl::unexpected(theirs.error());
    std::vector<float> all;
    for (const auto& output : *theirs) all.insert(all.end(), output.begin(), output.end());
    if (all.size() != ours.size()) return fail(name_ + " gives another number of outputs");
    double products = 0;
    double squares[2] = {};
    for (std::size_t i = 0; i < all.size(); ++i) {
      products += static_cast<double>(ours[i]) * static_cast<double>(all[i]);
      squares[0] += static_cast<double>(ours[i]) * static_cast<double>(ours[i]);
      squares[1] += static_cast<double>(all[i]) * static_cast<double>(all[i]);
    }
    cosine_ = products / std::sqrt(std::max(squares[0] * squares[1], 1e-300));
    return {};
  }

  const std::string& name() const { return name_; }
  double cosine() const { return cosine_; }
  double minimum_ms() const { return *std::ranges::min_element(seconds_) * 1e3; }
  double median_ms() const { return median(seconds_) * 1e3; }

 private:
  std::string name_;
  std::unique_ptr<Opponent> opponent_;
  double cosine_ = 0;
  std::vector<double> seconds_;
};

json result_json(const Contender& contender) {
  return {{"model", contender.model().path()},
          {"isa", contender.isa()},
          {"threads", contender.session().threads()},
          {"median_ms", contender.median_ms()},
          {"min_ms", contender.minimum_ms()}};
}

json rival_json(const Rival& rival, const Contender& ours) {
  return {{"engine", rival.name()},
          {"median_ms", rival.median_ms()},
          {"min_ms", rival.minimum_ms()},
          {"ratio", rival.median_ms() / ours.median_ms()},
          {"cosine", rival.cosine()}};
}

// Multiply-accumulates a second that the session's instruction set can do at most on its threads.
double peak_of(const Session& session) {
  kernels::Isa isa = kernels::Isa::reference;
  kernels::parse_isa(session.isa(), isa);
  return kernels::measure_peak(*kernels::find_table(isa)) * session.threads();
}

json layers_json(const Contender& contender) {
  json out = json::array();
  const double peak = peak_of(contender.session());
  const auto& nodes = contender.model().nodes();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    // An island's time is shown at its first node; the others are part of it.
    const bool first = i == 0 || nodes[i].step != nodes[i - 1].step;
    if (!first) continue;
    int64_t macs = 0;
    std::size_t bytes = 0;
    for (std::size_t k = i; k < nodes.size() && nodes[k].step == nodes[i].step; ++k) {
      macs += nodes[k].macs;
      bytes += bytes_moved(nodes[k]);
    }
    const double ms = contender.step_ms(static_cast<std::size_t>(nodes[i].step));
    const double rate = ms > 0 ? static_cast<double>(macs) / ms * 1e3 : 0.0;
    out.push_back({{"name", nodes[i].name},
                   {"op", nodes[i].op},
                   {"int8", nodes[i].int8},
                   {"median_ms", ms},
                   {"macs", macs},
                   {"gmacs_per_s", rate * 1e-9},
                   {"share_of_peak", nodes[i].int8 ? json(rate / peak) : json(nullptr)},
                   {"bytes", bytes}});
  }
  return out;
}

void print_layers(const Contender& contender) {
  std::printf("\n%-40s %-12s %-6s %10s %10s %8s %12s\n", contender.model().path().c_str(),
              "operator", "type", "ms", "GMAC/s", "of peak", "bytes");
  for (const json& layer : layers_json(contender)) {
    const bool counted = layer["share_of_peak"].is_number() && layer["macs"].get<int64_t>() > 0;
    char share[16] = "";
    if (counted) {
      std::snprintf(share, sizeof(share), "%.0f %%", 100 * layer["share_of_peak"].get<double>());
    }
    std::printf("%-40s %-12s %-6s %10.4f %10.2f %8s %12zu\n",
                layer["name"].get<std::string>().c_str(), layer["op"].get<std::string>().c_str(),
                layer["int8"].get<bool>() ? "int8" : "float", layer["median_ms"].get<double>(),
                layer["gmacs_per_s"].get<double>(), share, layer["bytes"].get<std::size_t>());
  }
}

// One run of anybody, which gives its seconds and keeps them if it is told to.
using Turn = std::function<Expected<double>(bool keep)>;

template <class Runner>
Turn turn_of(Runner& runner) {
  return [&runner](bool keep) -> Expected<double> {
    auto seconds = runner.run();
    if (seconds && keep) runner.record(*seconds);
    return seconds;
  };
}

Expected<void> measure(const Options& options, const std::vector<Turn>& turns, int threads) {
  const bool crowded = threads > 1 && turns.size() > 1;
  double warm_seconds = 0;
  for (std::size_t i = 0; i < std::max<std::size_t>(options.warmup, options.runs > 0 ? 0 : 1);
       ++i) {
    warm_seconds = 0;
    for (const Turn& turn : turns) {
      const auto seconds = turn(false);
      if (!seconds) return tl::unexpected(seconds.error());
      warm_seconds += *seconds;
    }
  }
  const std::size_t runs =
      options.runs > 0
          ? options.runs
          : std::clamp(static_cast<std::size_t>(time_budget_seconds / std::max(warm_seconds, 1e-6)),
                       least_runs, most_runs);
  Progress progress("measuring", runs);
  for (std::size_t i = 0; i < runs; ++i) {
    // In turn, so that all see the same moods of the machine.
    for (const Turn& turn : turns) {
      if (crowded) {
        std::this_thread::sleep_for(rest);
        if (const auto seconds = turn(false); !seconds) return tl::unexpected(seconds.error());
      }
      if (const auto seconds = turn(true); !seconds) return tl::unexpected(seconds.error());
    }
    progress.advance();
  }
  return {};
}

Expected<std::vector<Rival>> make_rivals(const Options& options, Contender& ours) {
  std::vector<Rival> rivals;
  if (options.against.empty()) return rivals;
  const auto answer = ours.answer();
  if (!answer) return tl::unexpected(answer.error());
  const Challenge challenge{.model = ours.model(),
                            .inputs = ours.inputs(),
                            .threads = ours.session().threads(),
                            .isa = options.session.isa};
  for (const Engine& engine : engines()) {
    if (std::ranges::count(options.against, engine.name) == 0) continue;
    auto opponent = engine.make(challenge);
    if (!opponent) return tl::unexpected(opponent.error());
    rivals.emplace_back(engine.name, std::move(*opponent));
    if (auto ok = rivals.back().compare_outputs(*answer); !ok) return tl::unexpected(ok.error());
  }
  return rivals;
}

std::vector<std::string> engine_names() {
  std::vector<std::string> names;
  for (const Engine& engine : engines()) names.emplace_back(engine.name);
  return names;
}

Expected<int> bench(const Options& options) {
  if (auto ok = check_session_options(options.session); !ok) return tl::unexpected(ok.error());
  SessionOptions session = options.session;
  session.time_steps = options.layers;
  auto ours = Contender::create(options.model, session);
  if (!ours) return tl::unexpected(ours.error());
  std::optional<Contender> theirs;
  if (!options.compare.empty()) {
    auto other = Contender::create(options.compare, session);
    if (!other) return tl::unexpected(other.error());
    theirs.emplace(std::move(*other));
  }
  std::vector<Contender*> contenders = {&*ours};
  if (theirs) contenders.push_back(&*theirs);
  auto rivals = make_rivals(options, *ours);
  if (!rivals) return tl::unexpected(rivals.error());
  std::vector<Turn> turns;
  for (Contender* contender : contenders) turns.push_back(turn_of(*contender));
  for (Rival& rival : *rivals) turns.push_back(turn_of(rival));
  if (auto ok = measure(options, turns, ours->session().threads()); !ok)
    return tl::unexpected(ok.error());

  json out = result_json(*ours);
  out["runs"] = ours->runs();
  out["macs"] = ours->model().macs();
  out["gmacs_per_s"] = static_cast<double>(ours->model().macs()) / ours->median_ms() * 1e-6;
  if (options.layers) out["layers"] = layers_json(*ours);
  const double ratio = theirs ? theirs->median_ms() / ours->median_ms() : 0;
  if (theirs) {
    out["compare"] = result_json(*theirs);
    out["compare"]["ratio"] = ratio;
    if (options.layers) out["compare"]["layers"] = layers_json(*theirs);
  }
  for (const Rival& rival : *rivals) out["against"].push_back(rival_json(rival, *ours));
  if (options.as_json) {
    std::cout << out.dump() << "\n";
    return succeeded;
  }
  for (const Contender* contender : contenders) {
    std::printf("%-40s %-10s %d threads  median %8.3f ms  min %8.3f ms  (%zu runs)\n",
                contender->model().path().c_str(), contender->isa(), contender->session().threads(),
                contender->median_ms(), contender->minimum_ms(), contender->runs());
  }
  for (const Rival& rival : *rivals) {
    std::printf(
        "against %-32s %-10s %d threads  median %8.3f ms  min %8.3f ms  ratio %.2f  (cosine of the "
        "outputs %.4f)\n",
        rival.name().c_str(), "", ours->session().threads(), rival.median_ms(), rival.minimum_ms(),
        rival.median_ms() / ours->median_ms(), rival.cosine());
  }
  if (theirs) std::printf("ratio of medians: %.2f (above 1: the first is faster)\n", ratio);
  if (options.layers) {
    for (const Contender* contender : contenders) print_layers(*contender);
  }
  return succeeded;
}

}  // namespace

Command add_bench(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("bench",
                         "Measure latency from u8 pixels (or float inputs) to outputs: median and "
                         "minimum. With --compare the two models\n"
                         "run in turn in one process, and the ratio of their medians is printed.");
  command->add_option("MODEL", options->model, "An .octet model")
      ->required()
      ->type_name("MODEL.octet");
  command->add_option("--compare", options->compare, "A second model, usually the float one")
      ->type_name("FLOAT_MODEL.octet");
  command
      ->add_option("--against", options->against,
                   "Another engine with the same layers, weights and scales, in turn in the same "
                   "process; may be given again. ratio = theirs / octet's")
      ->allow_extra_args(false)
      ->check(CLI::IsMember(engine_names()))
      ->type_name("ENGINE");
  add_session_options(*command, options->session);
  command
      ->add_option("--runs", options->runs,
                   "Exact number of measured runs (default: about four seconds' worth)")
      ->check(whole_number_from(1))
      ->type_name("N");
  command->add_option("--warmup", options->warmup, "Runs before measuring (default 3)")
      ->check(whole_number_from(0))
      ->type_name("N");
  command->add_flag("--layers", options->layers,
                    "Each step's time, multiply-accumulates a second, share of the most that the "
                    "instruction set can do on this machine, and bytes read and written");
  command->add_flag("--json", options->as_json,
                    "One JSON object; isa is xnnpack or eigen for a model without int8");
  return [options] { return bench(*options); };
}

}  // namespace octet::tool
