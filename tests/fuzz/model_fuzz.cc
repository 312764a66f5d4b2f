// Takes any bytes as an .octet file. It has to be refused with a message, or to give a model that
// runs. The checksum is not checked, so that damaged files come as far as hostile ones would.
#include <cstdint>
#include <span>
#include <vector>

#include "engine/operator.h"
#include "tests/fuzz/fail.h"

using octet::fuzz::fail;

namespace {

/// Whether a run of the model takes less than a second.
bool is_small(const octet::Model& model) {
  int64_t work = 0;
  for (const octet::TensorInfo& input : model.inputs()) work += octet::element_count(input.shape);
  for (const octet::NodeInfo& node : model.nodes()) {
    for (const octet::TensorInfo& output : node.outputs) work += octet::element_count(output.shape);
    work += node.macs;
  }
  return work < 1 << 24;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const auto model =
      octet::Model::from_memory(std::as_bytes(std::span(data, size)), "fuzzed.octet");
  if (!model) {
    if (model.error().message.empty()) fail("an error without a message");
    return 0;
  }
  if (!is_small(*model)) return 0;
  auto session = octet::Session::create(*model, {.threads = 1});
  if (!session) return 0;
  for (std::size_t i = 0; i < model->inputs().size(); ++i) {
    const auto count = static_cast<std::size_t>(octet::element_count(model->inputs()[i].shape));
    std::vector<float> values(count);
    for (std::size_t k = 0; k < count; ++k) values[k] = static_cast<float>(k % 7) - 3;
    if (auto set = session->set_input(i, values); !set)
      fail("an input is refused: " + set.error().message);
  }
  // A model may compute an index outside of its data, or divide by 0: that is an error with a
  // message.
  if (auto ran = session->run(); !ran && ran.error().message.empty())
    fail("an error without a message");
  return 0;
}
