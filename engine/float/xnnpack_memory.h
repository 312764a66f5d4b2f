// XNNPACK's memory. XNNPACK looks whether it was given memory for weights, but not everywhere
// whether it was given memory for its own lists, which are small: it would write to address 0.
#pragma once

#include <xnnpack.h>

#include <cstddef>

namespace octet {

/// For xnn_initialize.
const xnn_allocator& xnnpack_allocator();

/// While it exists, small allocations that the calling thread makes for XNNPACK do not fail: where
/// the system refuses one, this memory is given up for it. Weights then get none, so that XNNPACK
/// ends soon. Whatever it says of its success, the memory was not enough then.
class XnnpackReserve {
 public:
  explicit XnnpackReserve(std::size_t bytes);
  ~XnnpackReserve();
  XnnpackReserve(const XnnpackReserve&) = delete;
  XnnpackReserve& operator=(const XnnpackReserve&) = delete;

  /// false: it could not be had, or was given up.
  bool is_there() const { return memory_ != nullptr; }
  void give_up();

 private:
  void* memory_;
  XnnpackReserve* outer_;
};

}  // namespace octet
