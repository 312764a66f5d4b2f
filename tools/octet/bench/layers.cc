#include "tools/octet/bench/layers.h"

#include <cstdio>

#include "kernels/measure_peak.h"
#include "tools/octet/bytes_moved.h"

namespace octet::tool {
namespace {

using json = nlohmann::ordered_json;

// Multiply-accumulates a second that the session's instruction set can do at most on its threads.
double peak_of(const Session& session) {
  kernels::Isa isa = kernels::Isa::reference;
  kernels::parse_isa(session.isa(), isa);
  return kernels::measure_peak(*kernels::find_table(isa)) * session.threads();
}

}  // namespace

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

}  // namespace octet::tool
