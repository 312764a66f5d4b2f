#include "tools/octet/bench/layers.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>

#include "engine/operator.h"
#include "kernels/measure_peak.h"
#include "tools/octet/against/one_layer.h"
#include "tools/octet/against/opponent.h"
#include "tools/octet/bytes_moved.h"
#include "tools/octet/progress.h"

namespace octet::tool {
namespace {

using json = nlohmann::ordered_json;

// How long both sides of one layer run together, without --runs.
constexpr double seconds_a_layer = 0.15;

/// A session whose inputs are set, and those of its steps that are measured.
class TimedSteps {
 public:
  static Expected<TimedSteps> create(const Model& model, const SessionOptions& options,
                                     std::vector<std::size_t> steps) {
    auto session = Session::create(model, options);
    if (!session) return tl::unexpected(session.error());
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < model.inputs().size(); ++i) {
      const Shape& shape = model.inputs()[i].shape;
      std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
      std::ranges::generate(values, [&] { return normal(random); });
      if (auto ok = session->set_input(i, values); !ok) return tl::unexpected(ok.error());
    }
    return TimedSteps(std::move(*session), std::move(steps));
  }

  Contestant contestant(Samples& samples) {
    return {.run = [this]() -> Expected<double> {
              if (auto ok = session_.run(); !ok) return tl::unexpected(ok.error());
              double seconds = 0;
              for (const std::size_t step : steps_) seconds += session_.step_seconds()[step];
              return seconds;
            },
            .keep = [&samples](double seconds) { samples.add(seconds); }};
  }

 private:
  TimedSteps(Session session, std::vector<std::size_t> steps)
      : session_(std::move(session)), steps_(std::move(steps)) {}

  Session session_;
  std::vector<std::size_t> steps_;
};

/// The session step of the layer; other steps convert its inputs and its output.
std::vector<std::size_t> step_of(const Model& model, const NodeInfo& node) {
  for (const NodeInfo& info : model.nodes()) {
    if (info.name == node.name && info.op == node.op) return {static_cast<std::size_t>(info.step)};
  }
  return {};
}

std::vector<std::size_t> all_steps(const Model& model) {
  std::vector<std::size_t> steps(static_cast<std::size_t>(model.nodes().back().step) + 1);
  std::iota(steps.begin(), steps.end(), std::size_t{0});
  return steps;
}

Expected<LayerRace> race(const Contender& contender, std::size_t node, const Schedule& schedule) {
  SessionOptions options{
      .threads = contender.session().threads(), .time_steps = true, .exact = false};
  const auto real_model = make_one_layer_model(contender.model(), node).and_then(make_float_model);
  if (!real_model) return tl::unexpected(real_model.error());
  auto real = TimedSteps::create(*real_model, options, all_steps(*real_model));
  if (!real) return tl::unexpected(real.error());
  options.isa = contender.session().isa();
  const auto int8_model = make_one_layer_model(contender.model(), node);
  if (!int8_model) return tl::unexpected(int8_model.error());
  auto int8 = TimedSteps::create(*int8_model, options,
                                 step_of(*int8_model, contender.model().nodes()[node]));
  if (!int8) return tl::unexpected(int8.error());
  LayerRace race;
  if (auto ok = take_turns(schedule, {int8->contestant(race.int8), real->contestant(race.real)});
      !ok) {
    return tl::unexpected(ok.error());
  }
  return race;
}

// Most multiply-accumulates per second that the session's instruction set can do on its threads.
double peak_of(const Session& session) {
  kernels::Isa isa = kernels::Isa::reference;
  kernels::parse_isa(session.isa(), isa);
  return kernels::measure_peak(*kernels::find_table(isa)) * session.threads();
}

void add_race(json& layer, const std::optional<LayerRace>& race) {
  if (race) {
    layer["alone_ms"] = race->int8.median_ms();
    layer["float_ms"] = race->real.median_ms();
    layer["ratio"] = race->ratio();
  } else {
    for (const char* field : {"alone_ms", "float_ms", "ratio"}) layer[field] = nullptr;
  }
}

std::string text_of(const json& number, const char* format) {
  if (!number.is_number()) return "";
  char text[32];
  std::snprintf(text, sizeof(text), format, number.get<double>());
  return text;
}

}  // namespace

Expected<std::vector<std::optional<LayerRace>>> race_layers(const Contender& contender,
                                                            const Schedule& schedule) {
  Schedule of_layer = schedule;
  of_layer.seconds = seconds_a_layer;
  const Model& model = contender.model();
  std::vector<std::optional<LayerRace>> races(model.nodes().size());
  Progress progress("layers in float", races.size());
  for (std::size_t node = 0; node < races.size(); ++node) {
    if (has_float_form(model, node)) {
      auto raced = race(contender, node, of_layer);
      if (!raced) return tl::unexpected(raced.error());
      races[node] = std::move(*raced);
    }
    progress.advance();
  }
  return races;
}

json layers_json(const Contender& contender, const std::vector<std::optional<LayerRace>>& races) {
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
    json layer = {{"name", nodes[i].name},
                  {"op", nodes[i].op},
                  {"int8", nodes[i].int8},
                  {"median_ms", ms},
                  {"macs", macs},
                  {"gmacs_per_s", rate * 1e-9},
                  {"share_of_peak", nodes[i].int8 ? json(rate / peak) : json(nullptr)},
                  {"bytes", bytes}};
    if (!races.empty()) add_race(layer, races[i]);
    out.push_back(std::move(layer));
  }
  return out;
}

void print_layers(const Contender& contender, const std::vector<std::optional<LayerRace>>& races) {
  std::printf("\n%-40s %-12s %-6s %10s %10s %8s %12s", contender.model().path().c_str(), "operator",
              "type", "ms", "GMAC/s", "of peak", "bytes");
  if (!races.empty()) std::printf(" %10s %10s %8s", "alone ms", "float ms", "ratio");
  std::printf("\n");
  std::size_t slower = 0;
  for (const json& layer : layers_json(contender, races)) {
    const bool counted = layer["share_of_peak"].is_number() && layer["macs"].get<int64_t>() > 0;
    char share[16] = "";
    if (counted) {
      std::snprintf(share, sizeof(share), "%.0f %%", 100 * layer["share_of_peak"].get<double>());
    }
    std::printf("%-40s %-12s %-6s %10.4f %10.2f %8s %12zu",
                layer["name"].get<std::string>().c_str(), layer["op"].get<std::string>().c_str(),
                layer["int8"].get<bool>() ? "int8" : "float", layer["median_ms"].get<double>(),
                layer["gmacs_per_s"].get<double>(), share, layer["bytes"].get<std::size_t>());
    if (!races.empty()) {
      std::printf(" %10s %10s %8s", text_of(layer["alone_ms"], "%.4f").c_str(),
                  text_of(layer["float_ms"], "%.4f").c_str(),
                  text_of(layer["ratio"], "%.2f").c_str());
      if (layer["ratio"].is_number() && layer["ratio"].get<double>() < 1) ++slower;
    }
    std::printf("\n");
  }
  if (!races.empty()) {
    std::printf("alone: int8 and float by themselves, in turns; int8 is slower on %zu layers\n",
                slower);
  }
}

}  // namespace octet::tool
