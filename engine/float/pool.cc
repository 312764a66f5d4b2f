#include "engine/float/pool.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <vector>

namespace octet {
namespace {

/// Starts threads that only wait. They end when this object is destroyed.
class TrialThreads {
 public:
  explicit TrialThreads(std::size_t count) : trials_(count) {
    for (Trial& trial : trials_) {
      trial.go = &go_;
      const auto begin = [](void* pointer) -> void* {
        auto& self = *static_cast<Trial*>(pointer);
        self.id = syscall(SYS_gettid);
        self.go->wait(0);
        return nullptr;
      };
      if (pthread_create(&trial.handle, nullptr, begin, &trial) != 0) break;
      ++started_;
    }
  }
  ~TrialThreads() {
    go_.store(1);
    go_.notify_all();
    for (std::size_t i = 0; i < started_; ++i) {
      pthread_join(trials_[i].handle, nullptr);
      // The system still counts a thread for a while after it was joined.
      constexpr int most_looks = 10000;
      for (int look = 0; look < most_looks; ++look) {
        if (syscall(SYS_tgkill, getpid(), trials_[i].id, 0) != 0) break;
        sched_yield();
      }
    }
  }
  TrialThreads(const TrialThreads&) = delete;
  TrialThreads& operator=(const TrialThreads&) = delete;

  bool all_started() const { return started_ == trials_.size(); }

 private:
  struct Trial {
    pthread_t handle;
    std::atomic<uint32_t>* go;
    long id;
  };
  std::vector<Trial> trials_;
  std::size_t started_ = 0;
  std::atomic<uint32_t> go_{0};
};

}  // namespace

pthreadpool_t create_float_pool(std::size_t threads) {
  const bool given = TrialThreads(threads - 1).all_started();
  return given ? pthreadpool_create(threads) : nullptr;
}

}  // namespace octet
