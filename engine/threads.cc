#include "engine/threads.h"

#include <sched.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "engine/big_cores.h"

namespace octet {
namespace {

// Sharing out costs about a microsecond, and what comes next then lies in two cores' caches; work
// that is done sooner is not shared out.
constexpr double least_shared_ns = 3000;
// More parts than threads, so that one that begins late leaves work to the others.
constexpr std::size_t parts_a_thread = 2;
constexpr std::size_t most_parts = 1024;
// How long a thread looks for new work before it sleeps, some 200 us: longer than a layer of one
// thread's takes, or than what comes between two images.
constexpr int idle_rounds = 10000;

int allowed_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(CPU_COUNT(&set), 1);
}

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

int default_thread_count() {
  return std::clamp(count_big_cores(core_clusters()), 1, allowed_processors());
}

ThreadPool::ThreadPool(int threads)
    : shared_(std::make_unique<Shared>(static_cast<std::size_t>(std::max(threads, 1)))) {
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
  if (!workers_.empty() && float_pool_ == nullptr) {
    float_pool_.reset(pthreadpool_create(workers_.size() + 1));
  }
  return float_pool_.get();
}

std::size_t ThreadPool::parts_of(std::size_t items, double cost) const {
  if (workers_.empty() || cost < least_shared_ns) return 1;
  const auto worth = static_cast<std::size_t>(cost / (least_shared_ns / 4));
  return std::min({items, worth, parts_a_thread * (workers_.size() + 1), most_parts});
}

void ThreadPool::run_parts(Call call, const void* context, std::size_t parts) const {
  Shared& shared = *shared_;
  shared.call = call;
  shared.context = context;
  shared.finished.store(0, std::memory_order_relaxed);
  ++shared.work;
  const auto threads = static_cast<std::size_t>(this->threads());
  for (std::size_t t = 0; t < threads; ++t) {
    shared.shares[t].ticket.store({.work = shared.work,
                                   .next = static_cast<uint16_t>(parts * t / threads),
                                   .end = static_cast<uint16_t>(parts * (t + 1) / threads)});
  }
  shared.signal.fetch_add(1);
  if (shared.sleepers.load() > 0) shared.signal.notify_all();
  take_parts(0);
  // Only parts that somebody has begun are left.
  int rounds = 0;
  while (shared.finished.load(std::memory_order_acquire) != parts) {
    if (++rounds < idle_rounds) {
      relax();
    } else {
      sched_yield();
    }
  }
}

/// -> whether there was a part to take
bool ThreadPool::take_parts(std::size_t thread) const {
  const std::size_t threads = shared_->shares.size();
  bool any = false;
  while (take_part(thread, true, thread)) any = true;
  for (std::size_t i = 1; i < threads; ++i) {
    while (take_part((thread + i) % threads, false, thread)) any = true;
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
  int rounds = 0;
  while (!shared.stops.load(std::memory_order_relaxed)) {
    const uint32_t seen = shared.signal.load();
    if (take_parts(thread)) {
      rounds = 0;
    } else if (++rounds < idle_rounds) {
      relax();
    } else {
      shared.sleepers.fetch_add(1);
      shared.signal.wait(seen);
      shared.sleepers.fetch_sub(1);
      rounds = 0;
    }
  }
}

}  // namespace octet
