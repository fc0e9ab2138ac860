#include "checkpoint/parallel.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

namespace rankdx {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kSlowRound = std::chrono::milliseconds(5);

class Crew {
 public:
  Crew(size_t rounds, size_t most_threads, const std::function<void(size_t)>& round)
      : rounds_(rounds), most_threads_(std::min(rounds, most_threads)), round_(round) {}

  void run() {
    const size_t cores = std::max(1u, std::thread::hardware_concurrency());
    for (size_t i = 1; i < std::min(cores, most_threads_); ++i) add();
    work();
    // Threads may still bring others, but none after the last round has been taken.
    for (;;) {
      std::thread thread;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (threads_.empty()) return;
        thread = std::move(threads_.front());
        threads_.pop_front();
      }
      thread.join();
    }
  }

 private:
  void add() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (started_ >= most_threads_ || next_ >= rounds_) return;
    try {
      threads_.emplace_back([this] { work(); });
      ++started_;
    } catch (const std::system_error&) {
      most_threads_ = started_;  // the limit on processes is reached: fewer do it as well
    }
  }
  void work() {
    for (size_t i = next_++; i < rounds_; i = next_++) {
      const auto start = Clock::now();
      round_(i);
      if (Clock::now() - start > kSlowRound) add();
    }
  }

  const size_t rounds_;
  size_t most_threads_, started_ = 1;  ///< under mutex_ once threads run
  const std::function<void(size_t)>& round_;
  std::atomic<size_t> next_{0};
  std::mutex mutex_;
  std::list<std::thread> threads_;
};

}  // namespace

void parallel_for(size_t rounds, size_t most_threads, const std::function<void(size_t)>& round) {
  Crew(rounds, most_threads, round).run();
}

}  // namespace rankdx
