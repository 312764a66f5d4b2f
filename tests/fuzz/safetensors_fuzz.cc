#include "loaders/safetensors/float_export.h"
#include "loaders/safetensors/safetensors_file.h"
#include "tests/fuzz/loader_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  octet::fuzz::fuzz_loader(data, size, [](std::span<const std::byte> file) {
    octet::loaders::looks_like_safetensors(file);
    return octet::loaders::load_float_export(file, "fuzzed.safetensors");
  });
  return 0;
}
