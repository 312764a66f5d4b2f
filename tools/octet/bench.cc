#include "tools/octet/bench.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "tools/files_in_use.h"
#include "tools/octet/against/hold_xnnpack.h"
#include "tools/octet/bench/contender.h"
#include "tools/octet/bench/interruptions.h"
#include "tools/octet/bench/layers.h"
#include "tools/octet/bench/rival.h"
#include "tools/octet/json_text.h"
#include "tools/octet/preprocess_option.h"
#include "tools/octet/session_options.h"

namespace octet::tool {
namespace {

using json = nlohmann::ordered_json;

json result_json(const Contender& contender) {
  json out;
  put_path(out, "model", contender.model().path());
  out.update({{"isa", contender.isa()},
              {"threads", contender.session().threads()},
              {"median_ms", contender.samples().median_ms()},
              {"min_ms", contender.samples().minimum_ms()}});
  return out;
}

/// Adds the time, memory and weights that a session takes.
void add_session(json& out, const Contender& contender) {
  const Session& session = contender.session();
  out["create_ms"] = contender.create_ms();
  out["weight_bytes"] = contender.model().weight_bytes();
  out["packed_bytes"] = session.packed_bytes();
  out["arena_bytes"] = session.arena_bytes();
  out["arena_lower_bound"] = session.arena_lower_bound();
  out["scratch_bytes"] = session.scratch_bytes();
  out["peak_bytes"] = contender.peak_bytes() ? json(*contender.peak_bytes()) : json(nullptr);
}

void print_session(const Contender& contender) {
  std::printf("  session made in %.1f ms", contender.create_ms());
  if (contender.peak_bytes()) {
    std::printf(", at most %zu bytes: %zu of packed weights, %zu of activations, %zu of scratch",
                *contender.peak_bytes(), contender.session().packed_bytes(),
                contender.session().arena_bytes(), contender.session().scratch_bytes());
  }
  std::printf("\n");
}

json rival_json(const Rival& rival, const Contender& ours) {
  return {{"engine", rival.name()},
          {"median_ms", rival.samples().median_ms()},
          {"min_ms", rival.samples().minimum_ms()},
          {"ratio", rival.runs_same_network()
                        ? json(rival.samples().median_ms() / ours.samples().median_ms())
                        : json(nullptr)},
          {"cosine", rival.cosine()}};
}

/// The instruction set that an option or the environment holds octet to; empty: none.
std::string isa_wish(const BenchOptions& options) {
  const char* environment = std::getenv("OCTET_ISA");
  return options.session.isa.empty() && environment != nullptr ? environment : options.session.isa;
}

/// Whether times differ so much that runs were disturbed. The cause need not show as interruptions:
/// a core's clock and a virtual machine's other guests do not.
bool is_uneven(const Samples& samples) {
  constexpr std::size_t least_runs = 10;
  constexpr double most = 1.5;
  return samples.count() >= least_runs && samples.median_ms() > most * samples.minimum_ms();
}

Expected<std::vector<Rival>> make_rivals(const BenchOptions& options, Contender& ours) {
  std::vector<Rival> rivals;
  if (options.against.empty()) return rivals;
  const auto answer = ours.answer();
  if (!answer) return tl::unexpected(answer.error());
  const Challenge challenge{.model = ours.model(),
                            .inputs = ours.inputs(),
                            .threads = ours.session().threads(),
                            .isa = isa_wish(options)};
  for (const Engine& engine : engines()) {
    if (std::ranges::count(options.against, engine.name) == 0) continue;
    auto opponent = engine.make(challenge);
    if (!opponent) return tl::unexpected(opponent.error());
    rivals.emplace_back(engine.name, std::move(*opponent));
    if (auto ok = rivals.back().compare_outputs(*answer); !ok) return tl::unexpected(ok.error());
  }
  return rivals;
}

/// Prints which rivals ran another network. Returns the exit code.
int report_strangers(const std::vector<Rival>& rivals) {
  int code = succeeded;
  for (const Rival& rival : rivals) {
    if (rival.runs_same_network()) continue;
    char cosine[32];
    std::snprintf(cosine, sizeof(cosine), "%.4f", rival.cosine());
    std::cerr << "octet: --against " << rival.name() << ": its outputs are not octet's (cosine "
              << cosine
              << "): int8 does not explain that, so it ran another network, and its time says "
                 "nothing. Measure against the converted float model (octet convert --float, bench "
                 "--compare)\n";
    code = failed;
  }
  return code;
}

}  // namespace

Expected<int> bench(const BenchOptions& options) {
  if (auto ok = check_session_options(options.session); !ok) return tl::unexpected(ok.error());
  for (const std::string& path : {options.model, options.compare}) {
    if (auto ok = FilesInUse().add(path); !ok) return tl::unexpected(ok.error());
  }
  hold_xnnpack(isa_wish(options));
  SessionOptions session = options.session;
  session.time_steps = options.layers;
  auto ours = Contender::create(options.model, session, options.preprocess);
  if (!ours) return tl::unexpected(ours.error());
  std::optional<Contender> theirs;
  if (!options.compare.empty()) {
    // Memory is counted up to the first run. So this model runs once before the other's memory is
    // taken.
    if (auto answer = ours->answer(); !answer) return tl::unexpected(answer.error());
    auto other = Contender::create(options.compare, session, options.preprocess);
    if (!other) return tl::unexpected(other.error());
    theirs.emplace(std::move(*other));
  }
  std::vector<Contender*> contenders = {&*ours};
  if (theirs) contenders.push_back(&*theirs);
  auto rivals = make_rivals(options, *ours);
  if (!rivals) return tl::unexpected(rivals.error());
  const Schedule schedule{
      .runs = options.runs, .warmup = options.warmup, .threads = ours->session().threads()};
  std::vector<Contestant> contestants;
  for (Contender* contender : contenders) contestants.push_back(contender->contestant());
  for (Rival& rival : *rivals) contestants.push_back(rival.contestant());
  const Interruptions interruptions;
  if (auto ok = take_turns(schedule, contestants, "measuring"); !ok) {
    return tl::unexpected(ok.error());
  }
  const std::size_t interrupted = interruptions.count();
  const bool uneven = is_uneven(ours->samples());
  const bool disturbed = interruptions.too_many() || uneven;
  std::vector<std::optional<LayerRace>> races;
  if (options.layers && std::ranges::count(options.against, "float") > 0) {
    auto raced = race_layers(*ours, schedule);
    if (!raced) return tl::unexpected(raced.error());
    races = std::move(*raced);
  }

  json out = result_json(*ours);
  out["runs"] = ours->samples().count();
  add_session(out, *ours);
  out["macs"] = ours->model().macs();
  out["gmacs_per_s"] =
      static_cast<double>(ours->model().macs()) / ours->samples().median_ms() * 1e-6;
  out["interruptions"] = interrupted;
  out["quiet"] = !disturbed;
  if (options.layers) out["layers"] = layers_json(*ours, races);
  const double ratio = theirs ? theirs->samples().median_ms() / ours->samples().median_ms() : 0;
  if (theirs) {
    out["compare"] = result_json(*theirs);
    out["compare"]["ratio"] = ratio;
    if (options.layers) out["compare"]["layers"] = layers_json(*theirs, {});
  }
  for (const Rival& rival : *rivals) out["against"].push_back(rival_json(rival, *ours));
  if (options.as_json) {
    std::cout << json_text(out) << "\n";
    return report_strangers(*rivals);
  }
  for (const Contender* contender : contenders) {
    std::printf("%-40s %-10s %d threads  median %8.3f ms  min %8.3f ms  (%zu runs)\n",
                contender->model().path().c_str(), contender->isa(), contender->session().threads(),
                contender->samples().median_ms(), contender->samples().minimum_ms(),
                contender->samples().count());
    print_session(*contender);
  }
  for (const Rival& rival : *rivals) {
    std::printf("against %-32s %-10s %d threads  median %8.3f ms  min %8.3f ms  ",
                rival.name().c_str(), "", ours->session().threads(), rival.samples().median_ms(),
                rival.samples().minimum_ms());
    if (rival.runs_same_network()) {
      std::printf("ratio %.2f  (cosine of the outputs %.4f)\n",
                  rival.samples().median_ms() / ours->samples().median_ms(), rival.cosine());
    } else {
      std::printf("no ratio\n");
    }
  }
  if (disturbed) {
    std::printf(
        "%sother programs took a core away %zu times: measure again when the machine is "
        "quiet\n",
        uneven ? "the median is more than 1.5 times the fastest run; " : "", interrupted);
  }
  if (theirs) std::printf("ratio of medians: %.2f (above 1: the first is faster)\n", ratio);
  if (options.layers) {
    print_layers(*ours, races);
    if (theirs) print_layers(*theirs, {});
  }
  return report_strangers(*rivals);
}

}  // namespace octet::tool
