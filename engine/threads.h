// A pool of threads, and the sharing out of work between them.
#pragma once

#include <pthread.h>
#include <pthreadpool.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "kernels/kernels.h"

namespace octet {

/// One thread for each big core that this process may use.
int default_thread_count();

/// Threads share work in parts. Each thread first takes the parts of its own share, from the front.
/// That is the same region of every layer, so what it wrote is still in its core's cache. Then it
/// takes parts of the other threads' shares, from the back.
///
/// Nobody waits for a thread that has not begun: if a core is busy with something else, the other
/// threads take its parts. pthreadpool, which XNNPACK runs on, gives each thread its share and
/// waits for all of them; on a busy machine, a session then waits for the system's scheduler in
/// every layer.
///
/// No more threads are awake than there are processors. In a pool with more threads, the rest
/// sleep.
class ThreadPool {
 public:
  /// If the system gives fewer threads, the pool has fewer.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }
  /// A pthreadpool for the float library, made in the first call. Null for one thread, or if the
  /// system does not give the threads. pthreadpool waits for all of its threads in every call, so
  /// it has at most one for each processor.
  pthreadpool_t handle() const;

  /// Calls work(range, thread) for ranges that together cover [0, items), each item once. `thread`
  /// is below threads() and names scratch memory that no other call uses meanwhile. Allocates
  /// nothing. `cost` is about how many nanoseconds all items take one thread: short work is not
  /// shared out.
  template <class Work>
  void share_out(std::size_t items, double cost, const Work& work) const {
    const std::size_t parts = parts_of(items, cost);
    if (parts <= 1) {
      if (items > 0) work(kernels::Range{0, items}, std::size_t{0});
      return;
    }
    struct Context {
      const Work& work;
      std::size_t items;
      std::size_t parts;
    } context{work, items, parts};
    run_parts(
        [](const void* pointer, std::size_t part, std::size_t thread) {
          const auto& c = *static_cast<const Context*>(pointer);
          c.work(kernels::Range{c.items * part / c.parts, c.items * (part + 1) / c.parts}, thread);
        },
        &context, parts);
  }

 private:
  using Call = void (*)(const void* context, std::size_t part, std::size_t thread);

  std::size_t parts_of(std::size_t items, double cost) const;
  void run_parts(Call call, const void* context, std::size_t parts) const;
  void serve(std::size_t thread) const;
  void wake_sleepers() const;
  bool take_parts(std::size_t thread) const;
  bool take_part(std::size_t share, bool from_front, std::size_t thread) const;

  // The number of the current work, and the parts of a thread's share that are left, in one word.
  // So whoever takes a part knows that it belongs to this work, and that the work cannot end before
  // the part does. The word has its natural alignment: without it, clang calls a library function
  // for each access.
  struct alignas(uint64_t) Ticket {
    uint32_t work;
    uint16_t next;
    uint16_t end;
  };
  struct alignas(64) Share {
    std::atomic<Ticket> ticket{Ticket{}};
  };
  struct Shared {
    explicit Shared(std::size_t threads) : shares(threads) {}

    /// A share for each thread that can run at once. The pool may have more threads, some of which
    /// are awake at times; they take parts from these shares.
    std::vector<Share> shares;
    uint32_t work = 0;
    /// Changes with each new work. Sleeping threads wait for that.
    alignas(64) std::atomic<uint32_t> signal{0};
    alignas(64) std::atomic<uint32_t> finished{0};
    std::atomic<uint32_t> sleepers{0};
    std::atomic<bool> stops{false};
    Call call = nullptr;
    const void* context = nullptr;
  };

  std::unique_ptr<Shared> shared_;
  struct Worker {
    const ThreadPool* pool;
    std::size_t thread;
    pthread_t handle;
  };
  std::vector<std::unique_ptr<Worker>> workers_;
  struct Destroy {
    void operator()(pthreadpool_t pool) const { pthreadpool_destroy(pool); }
  };
  mutable std::unique_ptr<struct pthreadpool, Destroy> float_pool_;
};

}  // namespace octet
