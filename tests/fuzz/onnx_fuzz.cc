#include "loaders/onnx/onnx_model.h"
#include "tests/fuzz/loader_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  octet::fuzz::fuzz_loader(data, size, [](std::span<const std::byte> file) {
    octet::loaders::looks_like_onnx(file);
    return octet::loaders::load_onnx(file, "fuzzed.onnx", {});
  });
  return 0;
}
