// One source on its way to Facts: blocks are read one after the other, digested by any thread, and
// folded in order. The result is the same for any number of threads and any size of blocks.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "input/block_reader.h"
#include "job/digest.h"
#include "job/fold.h"

namespace rankdx {

/// Where the CPU time of reading went, summed over threads, in nanoseconds.
struct PassTimes {
  std::atomic<uint64_t> read_ns{0};    ///< read and unpacked
  std::atomic<uint64_t> digest_ns{0};  ///< lines to messages to sums
  std::atomic<uint64_t> fold_ns{0};    ///< sums into facts
};

class SourcePipeline {
 public:
  /// All of them outlive the pipeline. `progress` counts bytes; it and `times` may be nullptr.
  struct Ends {
    BlockReader& reader;
    SourceFold& fold;
    const LiteralSet& gate;
    std::atomic<uint64_t>* progress = nullptr;
    PassTimes* times = nullptr;
  };
  /// `max_units`: blocks in work at a time.
  SourcePipeline(Ends ends, size_t max_units);

  /// Works until the source is folded to its end, with whoever helps. Any number of threads; all of
  /// them return when there is nothing more to do.
  void work();
  /// The error that ended the source early. After work().
  const std::optional<Error>& error() const { return error_; }

 private:
  /// A block and what it is digested with; in one hand at a time.
  struct Unit {
    explicit Unit(const LiteralSet& gate) : digester(gate) {}
    Block block;
    Digester digester;
    BlockDigest* digest = nullptr;
  };
  using Lock = std::unique_lock<std::mutex>;
  bool fold_next(Lock& lock);
  bool read_next(Lock& lock);
  std::unique_ptr<Unit> take_unit();
  bool is_done() const { return ended_ && folded_ == started_; }

  Ends ends_;
  const size_t max_units_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Unit>> free_;
  std::map<uint64_t, std::unique_ptr<Unit>> digested_;  ///< by number of the block
  size_t units_ = 0;
  uint64_t started_ = 0, folded_ = 0;  ///< blocks
  bool reading_ = false, folding_ = false, ended_ = false;
  std::optional<Error> error_;
};

}  // namespace rankdx
