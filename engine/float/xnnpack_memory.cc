#include "engine/float/xnnpack_memory.h"

#include <cstdlib>

namespace octet {
namespace {

thread_local XnnpackReserve* reserve = nullptr;

/// Returns the result of `allocate`. If that is null, gives up the reserve and tries once more.
template <class Allocate>
void* with_reserve(const Allocate& allocate) {
  void* memory = allocate();
  if (memory != nullptr || reserve == nullptr || !reserve->is_there()) return memory;
  reserve->give_up();
  return allocate();
}

void* allocate(void*, std::size_t size) {
  return with_reserve([&] { return std::malloc(size); });
}

void* reallocate(void*, void* pointer, std::size_t size) {
  return with_reserve([&] { return std::realloc(pointer, size); });
}

void deallocate(void*, void* pointer) { std::free(pointer); }

// For weights and for the memory in which operators compute.
void* aligned_allocate(void*, std::size_t alignment, std::size_t size) {
  if (reserve != nullptr && !reserve->is_there()) return nullptr;
  void* memory = nullptr;
  return posix_memalign(&memory, alignment, size) == 0 ? memory : nullptr;
}

}  // namespace

const xnn_allocator& xnnpack_allocator() {
  static const xnn_allocator allocator = {.context = nullptr,
                                          .allocate = allocate,
                                          .reallocate = reallocate,
                                          .deallocate = deallocate,
                                          .aligned_allocate = aligned_allocate,
                                          .aligned_deallocate = deallocate};
  return allocator;
}

XnnpackReserve::XnnpackReserve(std::size_t bytes) : memory_(std::malloc(bytes)), outer_(reserve) {
  reserve = this;
}

XnnpackReserve::~XnnpackReserve() {
  give_up();
  reserve = outer_;
}

void XnnpackReserve::give_up() {
  std::free(memory_);
  memory_ = nullptr;
}

}  // namespace octet
