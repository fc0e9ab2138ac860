#include "input/block_pipeline.h"

#include <ctime>
#include <thread>

namespace rankdx {
namespace {

/// Adds the CPU time of its thread while it lives to a sum.
class Stopwatch {
 public:
  explicit Stopwatch(std::atomic<uint64_t>* sum) : sum_(sum), start_(sum ? now() : 0) {}
  ~Stopwatch() {
    if (sum_) *sum_ += now() - start_;
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  static uint64_t now() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
  }

  std::atomic<uint64_t>* sum_;
  uint64_t start_;
};

}  // namespace

BlockPipeline::BlockPipeline(Ends ends, size_t max_units)
    : ends_(std::move(ends)), max_units_(max_units) {}

/// The unit used last: its memory is still near.
std::unique_ptr<BlockPipeline::Unit> BlockPipeline::take_unit() {
  if (free_.empty()) {
    ++units_;
    return std::make_unique<Unit>(Unit{{}, ends_.make()});
  }
  auto unit = std::move(free_.back());
  free_.pop_back();
  return unit;
}

/// Finishes the next block in order if it was worked on.
bool BlockPipeline::finish_next(Lock& lock) {
  if (finishing_ || worked_on_.empty() || worked_on_.begin()->first != finished_) return false;
  auto unit = std::move(worked_on_.begin()->second);
  worked_on_.erase(worked_on_.begin());
  finishing_ = true;
  lock.unlock();
  {
    const Stopwatch watch(ends_.times ? &ends_.times->finish_ns : nullptr);
    ends_.finish(*unit->work);
  }
  lock.lock();
  finishing_ = false;
  ++finished_;
  free_.push_back(std::move(unit));
  changed_.notify_all();
  return true;
}

/// Reads the next block and works on it.
bool BlockPipeline::read_next(Lock& lock) {
  if (reading_ || ended_ || (free_.empty() && units_ >= max_units_)) return false;
  auto unit = take_unit();
  reading_ = true;
  lock.unlock();
  Result<bool> got = false;
  {
    const Stopwatch watch(ends_.times ? &ends_.times->read_ns : nullptr);
    const uint64_t before = ends_.reader.stats().bytes;
    got = ends_.reader.next(unit->block);
    if (ends_.progress) *ends_.progress += ends_.reader.stats().bytes - before;
  }
  lock.lock();
  reading_ = false;
  if (!got.value_or(false)) {
    if (!got) error_ = got.error();
    ended_ = true;
    free_.push_back(std::move(unit));
    changed_.notify_all();
    return true;
  }
  const uint64_t number = started_++;
  lock.unlock();
  changed_.notify_one();
  {
    const Stopwatch watch(ends_.times ? &ends_.times->work_ns : nullptr);
    unit->work->work(unit->block.text());
  }
  lock.lock();
  worked_on_.emplace(number, std::move(unit));
  if (number != finished_) return true;
  changed_.notify_one();
  return true;
}

void BlockPipeline::work() {
  Lock lock(mutex_);
  while (!is_done()) {
    if (finish_next(lock) || read_next(lock)) continue;
    changed_.wait(lock);
  }
  changed_.notify_all();
}

void BlockPipeline::work_on_threads(size_t threads) {
  Lock lock(mutex_);
  while (!is_done() && started_ < 2 && (finish_next(lock) || read_next(lock))) {
  }
  const bool more = !is_done();
  lock.unlock();
  std::vector<std::thread> helpers;
  for (size_t i = 1; more && i < threads; ++i) helpers.emplace_back([this] { work(); });
  work();
  for (std::thread& helper : helpers) helper.join();
}

}  // namespace rankdx
