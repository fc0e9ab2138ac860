// One source in blocks: they are read one after the other, worked on by any thread, and finished in
// order, so that the result is the same for any number of threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "input/block_reader.h"

namespace rankdx {

/// Where the CPU time of reading went, summed over threads, in nanoseconds.
struct PassTimes {
  std::atomic<uint64_t> read_ns{0};    ///< read and unpacked
  std::atomic<uint64_t> work_ns{0};    ///< blocks on their own
  std::atomic<uint64_t> finish_ns{0};  ///< blocks in order
};

/// What is done with a block; in one hand at a time, for one block after the other.
class BlockWork {
 public:
  virtual ~BlockWork() = default;
  /// By any thread, whatever came before. The block stays until the next one comes.
  virtual void work(std::string_view block) = 0;
};

class BlockPipeline {
 public:
  struct Ends {
    BlockReader& reader;
    std::function<std::unique_ptr<BlockWork>()> make;  ///< by any thread, one at a time
    std::function<void(BlockWork&)> finish;            ///< by any thread, one at a time, in order
    std::atomic<uint64_t>* progress = nullptr;         ///< counts bytes; may be nullptr
    PassTimes* times = nullptr;                        ///< may be nullptr
  };
  /// `max_units`: blocks in work at a time.
  BlockPipeline(Ends ends, size_t max_units);

  /// Works until the last block is finished, with whoever helps. Any number of threads; all of them
  /// return when there is nothing more to do.
  void work();
  /// The same, with helpers of its own, which start when there is more than one block.
  void work_on_threads(size_t threads);
  /// The error that ended the source early. After work().
  const std::optional<Error>& error() const { return error_; }

 private:
  struct Unit {
    Block block;
    std::unique_ptr<BlockWork> work;
  };
  using Lock = std::unique_lock<std::mutex>;
  bool finish_next(Lock& lock);
  bool read_next(Lock& lock);
  std::unique_ptr<Unit> take_unit();
  bool is_done() const { return ended_ && finished_ == started_; }

  Ends ends_;
  const size_t max_units_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Unit>> free_;
  std::map<uint64_t, std::unique_ptr<Unit>> worked_on_;  ///< by number of the block
  size_t units_ = 0;
  uint64_t started_ = 0, finished_ = 0;  ///< blocks
  bool reading_ = false, finishing_ = false, ended_ = false;
  std::optional<Error> error_;
};

}  // namespace rankdx
