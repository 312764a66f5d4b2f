// Memory for kernels, whose end is watched.
#pragma once

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <vector>

namespace octet::test {

/// `size` bytes that end, up to the alignment, at a page that nobody may touch: code that reads or
/// writes beyond them crashes, assembly too. An address sanitizer watches every byte on both sides.
/// At first the buffer has arbitrary bytes.
class GuardedBuffer {
 public:
  /// `alignment` is a power of two. Kernels need 64 for packed weights and scratch.
  explicit GuardedBuffer(std::size_t size, std::size_t alignment = 64) : size_(size) {
    const std::size_t whole = (size + alignment - 1) / alignment * alignment;
    capacity_ = std::bit_ceil(std::max(whole, page_size()));
    begin_ = take(capacity_);
    data_ = begin_ + capacity_ - whole;
    std::memset(data_, 0xA5, size);
    ASAN_POISON_MEMORY_REGION(begin_, capacity_ - whole);
    ASAN_POISON_MEMORY_REGION(data_ + size, whole - size);
  }
  /// A copy of some values, aligned for their type, with `overread` arbitrary bytes behind it.
  template <class T>
  explicit GuardedBuffer(std::span<const T> values, std::size_t overread = 0)
      : GuardedBuffer(values.size_bytes() + overread, alignof(T)) {
    if (!values.empty()) std::memcpy(data_, values.data(), values.size_bytes());
  }
  ~GuardedBuffer() {
    ASAN_UNPOISON_MEMORY_REGION(begin_, capacity_);
    spare(capacity_).push_back(begin_);
  }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  std::byte* data() const { return data_; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  static std::size_t page_size() {
    static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return size;
  }
  /// Memory that is not in use, kept for the next buffer: mapping it takes longer than most layers.
  static std::vector<std::byte*>& spare(std::size_t capacity) {
    static thread_local std::array<std::vector<std::byte*>, 64> all;
    return all[static_cast<std::size_t>(std::countr_zero(capacity))];
  }
  /// Returns `capacity` bytes, with a page behind them that traps. `capacity` is a power of two and
  /// at least a page.
  static std::byte* take(std::size_t capacity) {
    std::vector<std::byte*>& known = spare(capacity);
    if (!known.empty()) {
      std::byte* const last = known.back();
      known.pop_back();
      return last;
    }
    void* memory = mmap(nullptr, capacity + page_size(), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    auto* const begin = static_cast<std::byte*>(memory);
    if (mprotect(begin + capacity, page_size(), PROT_NONE) != 0) throw std::bad_alloc();
    return begin;
  }

  std::size_t size_;
  std::size_t capacity_ = 0;
  std::byte* begin_ = nullptr;
  std::byte* data_ = nullptr;
};

}  // namespace octet::test
