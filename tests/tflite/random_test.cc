// Random quantized TFLite graphs, in int8 and in float, against their evaluation in double.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <sstream>

#include "graph/graph.h"
#include "loaders/load_error.h"
#include "loaders/tflite/tflite_model.h"
#include "tests/tflite/random_graph.h"
#include "tests/tflite/run_tflite.h"

namespace octet::test {
namespace {

using loaders::tflite::ModelFile;
using loaders::tflite::OperatorRecord;
using loaders::tflite::TensorRecord;

constexpr uint32_t graph_count = OCTET_EMULATED ? 200 : 3000;

RandomTflite graph_of_seed(uint32_t seed) {
  std::mt19937 random(seed);
  return draw_tflite_graph([&](uint32_t count) { return static_cast<uint32_t>(random() % count); });
}

double least_of(const TensorRecord& t) {
  const int64_t low = t.type == tflite::TensorType::INT8 ? -128 : 0;
  return double{t.scale[0]} * static_cast<double>(low - t.zero_point[0]);
}
double most_of(const TensorRecord& t) { return least_of(t) + 255 * double{t.scale[0]}; }

std::vector<double> drawn_values(const TensorRecord& input, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<double> values;
  for (int64_t i = 0; i < element_count(input.shape); ++i)
    values.push_back(least_of(input) +
                     double{input.scale[0]} * static_cast<double>(random() % 256));
  return values;
}

using Answers = std::map<int32_t, std::vector<double>>;

Expected<Answers> answers_of(const std::string& bytes, const ModelFile& file, bool in_float,
                             const std::vector<double>& input) {
  Expected<std::vector<std::byte>> built;
  try {
    built = graph::build_model(
        loaders::load_tflite(std::as_bytes(std::span(bytes)), "random.tflite", {}),
        {.float_only = in_float});
  } catch (const loaders::LoadError& error) {
    return fail(std::string("refused: ") + error.what());
  }
  if (!built) return tl::unexpected(built.error());
  const auto model = octet::Model::from_memory(*built, "random graph");
  if (!model) return tl::unexpected(model.error());
  auto session = Session::create(*model, {.threads = 1});
  if (!session) return tl::unexpected(session.error());
  const std::vector<float> values(input.begin(), input.end());
  if (auto ok = session->set_input(0, values); !ok) return tl::unexpected(ok.error());
  if (auto ok = session->run(); !ok) return tl::unexpected(ok.error());
  Answers answers;
  for (std::size_t i = 0; i < session->output_count(); ++i) {
    const TensorView view = session->output(i);
    std::vector<double>& answer = answers[file.outputs[i]];
    if (view.info->type == Type::s32) {
      const auto got = view.values<int32_t>();
      answer.assign(got.begin(), got.end());
    } else {
      const auto got = view.values<float>();
      answer.assign(got.begin(), got.end());
    }
  }
  return answers;
}

std::string describe(const ModelFile& file) {
  std::ostringstream out;
  for (const OperatorRecord& op : file.operators) {
    const auto name = [&](int32_t t) { return file.tensors[static_cast<std::size_t>(t)].name; };
    const TensorRecord& y = file.tensors[static_cast<std::size_t>(op.outputs[0])];
    out << y.name << " = " << op.op;
    for (const int32_t input : op.inputs) out << " " << name(input);
    out << ", " << loaders::tflite::type_name(y.type);
    if (!y.scale.empty()) out << " " << y.scale[0] << ", " << y.zero_point[0];
    out << "\n";
  }
  return out.str();
}

// Returns the scale that the file gives the tensor; 0 if it has none.
double own_scale_of(const ModelFile& file, int32_t tensor) {
  const TensorRecord& t = file.tensors[static_cast<std::size_t>(tensor)];
  return t.scale.empty() ? 0 : double{t.scale[0]};
}

std::string difference(const ModelFile& file, std::size_t index, const std::vector<double>& got,
                       const std::vector<double>& exact, bool in_float) {
  const OperatorRecord& op = file.operators[index];
  const TensorRecord& y = file.tensors[static_cast<std::size_t>(op.outputs[0])];
  const bool bytes = !y.scale.empty();
  if (got.size() != exact.size()) return y.name + " has another size\n";
  const std::vector<double> rounded_exact = rounded(y, exact);
  double widest = 1e-6;
  for (const double v : exact) widest = std::max(widest, std::abs(v));
  if (bytes) widest = std::max(std::abs(least_of(y)), std::abs(most_of(y)));
  // A probability of 1 may be one level beyond its bytes. Float does not clip it.
  const bool is_probability = own_scale_of(file, op.outputs[0]) == 1.0 / 256;
  const bool whole = y.type == tflite::TensorType::INT32 || y.type == tflite::TensorType::INT64;
  const double allowed =
      whole ? 0
            : (in_float && !is_probability ? 0 : 1.001 * own_scale_of(file, op.outputs[0])) +
                  3e-5 * widest;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double want = !bytes     ? exact[i]
                        : in_float ? std::clamp(exact[i], least_of(y), most_of(y))
                                   : rounded_exact[i];
    if (std::abs(got[i] - want) <= allowed) continue;
    std::ostringstream out;
    out << y.name << "[" << i << "] (" << op.op << ") is " << got[i] << ", not " << want << "\n";
    return out.str();
  }
  return "";
}

bool has_argmax(const ModelFile& file) {
  return std::ranges::any_of(file.operators,
                             [](const OperatorRecord& op) { return op.op == "ARG_MAX"; });
}

std::string check_graph(const RandomTflite& graph, uint32_t seed, bool in_float) {
  const std::string bytes = graph.file.file();
  const ModelFile file = loaders::tflite::read_model(std::as_bytes(std::span(bytes)));
  const int32_t input = file.inputs[0];
  const auto values = drawn_values(file.tensors[static_cast<std::size_t>(input)], seed);
  const auto all = answers_of(bytes, file, in_float, values);
  if (!all) return describe(file) + all.error().message;
  std::string wrong;
  for (std::size_t i = 0; i < file.operators.size(); ++i) {
    RealValues fed;
    for (const int32_t t : file.operators[i].inputs) {
      if (t == input) fed[t] = values;
      if (const auto known = all->find(t); known != all->end()) fed[t] = known->second;
    }
    const std::vector<double> exact = exact_result(file, i, fed);
    wrong += difference(file, i, all->at(file.operators[i].outputs[0]), exact, in_float);
  }
  RandomTflite only_ends = graph;
  only_ends.file.outputs = graph.ends;
  const std::string ends_bytes = only_ends.file.file();
  const ModelFile ends_file = loaders::tflite::read_model(std::as_bytes(std::span(ends_bytes)));
  const auto ends = answers_of(ends_bytes, ends_file, in_float, values);
  if (!ends) return describe(file) + "ends: " + ends.error().message;
  for (const auto& [t, got] : *ends) {
    const std::string& name = file.tensors[static_cast<std::size_t>(t)].name;
    for (std::size_t k = 0; k < got.size(); ++k) {
      // In float, nothing rounds away the difference between two orders of operations. So of two
      // values that are all but equal, the other may be the largest.
      if (in_float && has_argmax(file)) continue;
      const double allowed = in_float ? 1e-4 * std::max(1.0, std::abs(got[k])) : 0;
      if (std::abs(got[k] - all->at(t)[k]) <= allowed) continue;
      wrong += name + " differs as the last output\n";
      break;
    }
  }
  return wrong.empty() ? "" : describe(file) + wrong;
}

}  // namespace

TEST_CASE("TFLite: random quantized graphs are within a level of their evaluation in double") {
  int wrong = 0;
  for (uint32_t seed = 1; seed <= graph_count && wrong < 5; ++seed) {
    const RandomTflite graph = graph_of_seed(seed);
    for (const bool in_float : {false, true}) {
      const std::string found = check_graph(graph, seed, in_float);
      if (found.empty()) continue;
      INFO("seed " << seed << (in_float ? ", in float" : ", in int8") << "\n" << found);
      CHECK(found.empty());
      ++wrong;  // more of them would say the same
    }
  }
  CHECK(wrong == 0);
}

}  // namespace octet::test
