#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "engine/model_data.h"

namespace octet {
namespace {

constexpr std::size_t alignment = 64;

}  // namespace

Expected<std::unique_ptr<ModelBytes>> ModelBytes::map(const std::string& path) {
  // O_NONBLOCK, because opening a pipe that nobody writes into would wait for ever.
  const int file = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return fail(path + ": cannot open: " + std::strerror(errno));
  struct stat status{};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(file);
    return fail(path + ": not a file");
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) {
    ::close(file);
    return fail(path + ": the file is empty");
  }
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  const int mapping_error = errno;
  ::close(file);
  if (data == MAP_FAILED) return fail(path + ": cannot map: " + std::strerror(mapping_error));
  return std::unique_ptr<ModelBytes>(new ModelBytes(static_cast<std::byte*>(data), size, true));
}

Expected<std::unique_ptr<ModelBytes>> ModelBytes::copy(std::span<const std::byte> bytes,
                                                       const std::string& name) {
  if (bytes.empty()) return fail(name + ": no bytes");
  const std::size_t rounded = (bytes.size() + alignment - 1) / alignment * alignment;
  auto* data = static_cast<std::byte*>(std::aligned_alloc(alignment, rounded));
  if (data == nullptr)
    return fail(name + ": not enough memory for " + std::to_string(bytes.size()) + " bytes");
  std::memcpy(data, bytes.data(), bytes.size());
  return std::unique_ptr<ModelBytes>(new ModelBytes(data, bytes.size(), false));
}

ModelBytes::~ModelBytes() {
  if (mapped_) {
    ::munmap(data_, size_);
  } else {
    std::free(data_);
  }
}

}  // namespace octet
