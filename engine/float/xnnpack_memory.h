// XNNPACK's memory. XNNPACK checks whether it was given memory for weights. For its own small lists
// it does not check everywhere, and would write to address 0.
#pragma once

#include <xnnpack.h>

#include <cstddef>

namespace octet {

/// The allocator for xnn_initialize.
const xnn_allocator& xnnpack_allocator();

/// While an object of this class exists, small allocations that the calling thread makes for
/// XNNPACK do not fail: if the system refuses one, the reserve is freed for it. After that,
/// allocations for weights fail, so that XNNPACK soon stops. Whatever XNNPACK then says about its
/// success, the memory was not enough.
class XnnpackReserve {
 public:
  explicit XnnpackReserve(std::size_t bytes);
  ~XnnpackReserve();
  XnnpackReserve(const XnnpackReserve&) = delete;
  XnnpackReserve& operator=(const XnnpackReserve&) = delete;

  /// False if the reserve could not be allocated, or was given up.
  bool is_there() const { return memory_ != nullptr; }
  void give_up();

 private:
  void* memory_;
  XnnpackReserve* outer_;
};

}  // namespace octet
