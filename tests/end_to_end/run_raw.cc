// Runs a model on raw float32 files, for tests that compare it with another framework:
//   octet_run_raw MODEL.octet THREADS IN0.bin [IN1.bin ...] -o OUTPREFIX
// Inputs are in the order of the model's input shapes (images N, H, W, C). Writes OUTPREFIX.0.bin,
// ... and prints one JSON line: each output's name, shape and type; `scale` and `zero_point` of the
// u8 tensor behind it where the model ends by dequantizing one, so that a test can recover the
// bytes.
#include <charconv>
#include <cstring>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "octet/octet.hpp"

namespace {

using json = nlohmann::ordered_json;

octet::Expected<std::vector<float>> read_floats(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return octet::fail(path + ": cannot be read");
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file),
                                std::istreambuf_iterator<char>()};
  if (bytes.size() % sizeof(float) != 0)
    return octet::fail(path + ": not a whole number of float32 values");
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

json describe(const octet::Model& model, const octet::TensorInfo& output) {
  json out = {
      {"name", output.name}, {"shape", output.shape}, {"type", octet::type_name(output.type)}};
  for (const octet::NodeInfo& node : model.nodes()) {
    if (node.op != "dequantize" || node.outputs[0].name != output.name) continue;
    out["scale"] = node.inputs[0].scale;
    out["zero_point"] = node.inputs[0].zero_point;
  }
  return out;
}

octet::Expected<json> run(const std::string& path, int threads, std::span<const std::string> inputs,
                          const std::string& prefix) {
  const auto model = octet::Model::load(path);
  if (!model) return tl::unexpected(model.error());
  if (inputs.size() != model->inputs().size()) {
    return octet::fail(path + ": the model has " + std::to_string(model->inputs().size()) +
                       " inputs");
  }
  auto session = octet::Session::create(*model, {.threads = threads});
  if (!session) return tl::unexpected(session.error());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto values = read_floats(inputs[i]);
    if (!values) return tl::unexpected(values.error());
    if (auto ok = session->set_input(i, *values); !ok) return tl::unexpected(ok.error());
  }
  if (auto ok = session->run(); !ok) return tl::unexpected(ok.error());
  json outputs = json::array();
  for (std::size_t i = 0; i < session->output_count(); ++i) {
    const octet::TensorView view = session->output(i);
    const std::string name = prefix + "." + std::to_string(i) + ".bin";
    std::ofstream file(name, std::ios::binary);
    file.write(static_cast<const char*>(view.data), static_cast<std::streamsize>(view.size));
    if (!file.flush()) return octet::fail(name + ": cannot be written");
    outputs.push_back(describe(*model, *view.info));
  }
  return json{{"outputs", outputs}};
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  int threads = 0;
  if (words.size() < 5 || words[words.size() - 2] != "-o" ||
      std::from_chars(words[1].data(), words[1].data() + words[1].size(), threads).ec !=
          std::errc()) {
    std::cerr << "usage: octet_run_raw MODEL.octet THREADS IN0.bin [IN1.bin ...] -o OUTPREFIX\n";
    return 2;
  }
  const auto done =
      run(words[0], threads, std::span(words).subspan(2, words.size() - 4), words.back());
  if (!done) {
    std::cerr << "octet_run_raw: " << done.error().message << "\n";
    return 1;
  }
  std::cout << done->dump(-1, ' ', false, json::error_handler_t::replace) << "\n";
  return 0;
}
