#include "engine/threads.h"

#include <sched.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "engine/big_cores.h"
#include "engine/float/pool.h"

namespace octet {
namespace {

// Work that takes less time than this is not shared out. Sharing out costs about a microsecond, and
// afterwards the results lie in the caches of two cores.
constexpr double least_shared_ns = 3000;
// There are more parts than threads, so that a thread that begins late leaves parts to the others.
constexpr std::size_t parts_a_thread = 2;
constexpr std::size_t most_parts = 1024;
// How often a thread looks for new work before it sleeps. This takes some 200 us: longer than a
// layer that runs on one thread, and longer than the pause between two images.
constexpr int idle_rounds = 10000;

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// How many of `threads` threads can run at once.
std::size_t running_at_once(int threads) {
  const std::size_t wanted = static_cast<std::size_t>(std::max(threads, 1));
  const auto processors = static_cast<std::size_t>(count_processors(allowed_processors()));
  return processors == 0 ? wanted : std::min(wanted, processors);
}

}  // namespace

int default_thread_count() {
  return choose_thread_count(core_clusters(),
                             count_cores(allowed_processors(), "/sys/devices/system/cpu"));
}

ThreadPool::ThreadPool(int threads) : shared_(std::make_unique<Shared>(running_at_once(threads))) {
  for (int thread = 1; thread < threads; ++thread) {
    auto worker =
        std::make_unique<Worker>(Worker{.pool = this, .thread = static_cast<std::size_t>(thread)});
    const auto begin = [](void* pointer) -> void* {
      const auto& self = *static_cast<const Worker*>(pointer);
      self.pool->serve(self.thread);
      return nullptr;
    };
    if (pthread_create(&worker->handle, nullptr, begin, worker.get()) != 0) break;
    workers_.push_back(std::move(worker));
  }
}

ThreadPool::~ThreadPool() {
  shared_->stops.store(true);
  shared_->signal.fetch_add(1);
  shared_->signal.notify_all();
  for (const auto& worker : workers_) pthread_join(worker->handle, nullptr);
}

pthreadpool_t ThreadPool::handle() const {
  const std::size_t threads = std::min(shared_->shares.size(), workers_.size() + 1);
  if (threads > 1 && float_pool_ == nullptr) float_pool_.reset(create_float_pool(threads));
  return float_pool_.get();
}

std::size_t ThreadPool::parts_of(std::size_t items, double cost) const {
  if (workers_.empty() || shared_->shares.size() == 1 || cost < least_shared_ns) return 1;
  const auto worth = static_cast<std::size_t>(cost / (least_shared_ns / 4));
  return std::min({items, worth, parts_a_thread * shared_->shares.size(), most_parts});
}

void ThreadPool::run_parts(Call call, const void* context, std::size_t parts) const {
  Shared& shared = *shared_;
  shared.call = call;
  shared.context = context;
  shared.finished.store(0, std::memory_order_relaxed);
  ++shared.work;
  const std::size_t threads = shared.shares.size();
  for (std::size_t t = 0; t < threads; ++t) {
    shared.shares[t].ticket.store({.work = shared.work,
                                   .next = static_cast<uint16_t>(parts * t / threads),
                                   .end = static_cast<uint16_t>(parts * (t + 1) / threads)});
  }
  shared.signal.fetch_add(1);
  wake_sleepers();
  take_parts(0);
  // All parts are taken by now. Waits for those that other threads have begun.
  int rounds = 0;
  while (shared.finished.load(std::memory_order_acquire) != parts) {
    if (++rounds < idle_rounds) {
      relax();
    } else {
      sched_yield();
    }
  }
}

/// Wakes as many threads as can run beside those that are awake.
void ThreadPool::wake_sleepers() const {
  const std::size_t asleep = shared_->sleepers.load();
  if (asleep == 0) return;
  const std::size_t awake = workers_.size() - std::min(asleep, workers_.size());
  const std::size_t wanted = shared_->shares.size() - 1;
  if (wanted >= awake + asleep) return shared_->signal.notify_all();
  for (std::size_t i = awake; i < wanted; ++i) shared_->signal.notify_one();
}

/// Runs all parts that it can take. Returns whether there was any.
bool ThreadPool::take_parts(std::size_t thread) const {
  const std::size_t shares = shared_->shares.size();
  bool any = false;
  while (take_part(thread % shares, true, thread)) any = true;
  for (std::size_t i = 1; i < shares; ++i) {
    while (take_part((thread + i) % shares, false, thread)) any = true;
  }
  return any;
}

bool ThreadPool::take_part(std::size_t share, bool from_front, std::size_t thread) const {
  Shared& shared = *shared_;
  std::atomic<Ticket>& own = shared.shares[share].ticket;
  Ticket ticket = own.load(std::memory_order_acquire);
  while (ticket.next < ticket.end) {
    Ticket rest = ticket;
    const std::size_t part = from_front ? rest.next++ : --rest.end;
    if (!own.compare_exchange_weak(ticket, rest, std::memory_order_acq_rel)) continue;
    shared.call(shared.context, part, thread);
    shared.finished.fetch_add(1, std::memory_order_release);
    return true;
  }
  return false;
}

void ThreadPool::serve(std::size_t thread) const {
  Shared& shared = *shared_;
  int rounds = idle_rounds;  // Begins asleep, because the other threads are still being made.
  for (;;) {
    // The signal is read before `stops`: whoever sets that then changes the signal, so that the
    // wait below ends at once. Read the other way round, both may change in between, and the thread
    // would wait for ever.
    const uint32_t seen = shared.signal.load();
    if (shared.stops.load()) return;
    if (take_parts(thread)) rounds = 0;
    // Nothing more can be taken until the signal changes.
    while (rounds < idle_rounds && shared.signal.load() == seen) {
      ++rounds;
      relax();
    }
    if (rounds < idle_rounds) continue;
    shared.sleepers.fetch_add(1);
    shared.signal.wait(seen);
    shared.sleepers.fetch_sub(1);
    rounds = 0;
  }
}

}  // namespace octet
