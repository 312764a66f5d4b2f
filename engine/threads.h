// A pool of threads, and work shared out between them in contiguous ranges.
#pragma once

#include <pthreadpool.h>

#include <algorithm>
#include <cstddef>
#include <memory>

#include "kernels/kernels.h"

namespace octet {

/// One a big core that this process may use.
int default_thread_count();

class ThreadPool {
 public:
  /// One thread needs no pool.
  explicit ThreadPool(int threads) : threads_(threads) {
    if (threads > 1) pool_.reset(pthreadpool_create(static_cast<std::size_t>(threads)));
    if (pool_ == nullptr) threads_ = 1;
  }

  int threads() const { return threads_; }
  pthreadpool_t handle() const { return pool_.get(); }

  /// Calls work(range, thread) for ranges that tile [0, items); `thread` is below threads() and
  /// names scratch memory that no other call uses meanwhile. Allocates nothing.
  template <class Work>
  void share_out(std::size_t items, const Work& work) const {
    const std::size_t parts = std::min(items, static_cast<std::size_t>(threads_));
    if (parts <= 1) {
      if (items > 0) work(kernels::Range{0, items}, std::size_t{0});
      return;
    }
    struct Context {
      const Work& work;
      std::size_t items;
      std::size_t parts;
    } context{work, items, parts};
    pthreadpool_parallelize_1d(
        pool_.get(),
        [](void* pointer, std::size_t part) {
          const auto& c = *static_cast<const Context*>(pointer);
          c.work(kernels::Range{c.items * part / c.parts, c.items * (part + 1) / c.parts}, part);
        },
        &context, parts, 0);
  }

 private:
  struct Destroy {
    void operator()(pthreadpool_t pool) const { pthreadpool_destroy(pool); }
  };
  std::unique_ptr<struct pthreadpool, Destroy> pool_;
  int threads_;
};

}  // namespace octet
