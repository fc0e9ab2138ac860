#include "job/pipeline.h"

#include <ctime>

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

SourcePipeline::SourcePipeline(Ends ends, size_t max_units) : ends_(ends), max_units_(max_units) {}

/// The unit used last: its memory is still near.
std::unique_ptr<SourcePipeline::Unit> SourcePipeline::take_unit() {
  if (free_.empty()) {
    ++units_;
    return std::make_unique<Unit>(ends_.gate);
  }
  auto unit = std::move(free_.back());
  free_.pop_back();
  return unit;
}

/// Folds the next block in order if it is digested.
bool SourcePipeline::fold_next(Lock& lock) {
  if (folding_ || digested_.empty() || digested_.begin()->first != folded_) return false;
  auto unit = std::move(digested_.begin()->second);
  digested_.erase(digested_.begin());
  folding_ = true;
  lock.unlock();
  {
    const Stopwatch watch(ends_.times ? &ends_.times->fold_ns : nullptr);
    ends_.fold.add(*unit->digest);
  }
  lock.lock();
  folding_ = false;
  ++folded_;
  free_.push_back(std::move(unit));
  changed_.notify_all();
  return true;
}

/// Reads the next block and digests it.
bool SourcePipeline::read_next(Lock& lock) {
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
    const Stopwatch watch(ends_.times ? &ends_.times->digest_ns : nullptr);
    unit->digest = &unit->digester.digest(unit->block.text());
  }
  lock.lock();
  digested_.emplace(number, std::move(unit));
  if (number != folded_) return true;
  changed_.notify_one();
  return true;
}

void SourcePipeline::work() {
  Lock lock(mutex_);
  while (!is_done()) {
    if (fold_next(lock) || read_next(lock)) continue;
    changed_.wait(lock);
  }
  changed_.notify_all();
}

}  // namespace rankdx
