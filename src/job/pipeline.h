// One source on its way to Facts: blocks are digested by any thread, and folded in order. The
// result is the same for any number of threads and any size of blocks.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "input/block_pipeline.h"
#include "scan/literal_set.h"

namespace rankdx {

class Digester;
class SourceFold;

/// Digesters for one source after the other: what they learned of lines stays with them. For any
/// number of threads.
class Digesters {
 public:
  /// `gate` selects the lines that rules want to see; it outlives the digesters.
  explicit Digesters(const LiteralSet& gate);
  ~Digesters();
  /// One that knows nothing of the source to come.
  std::unique_ptr<Digester> take();
  void give_back(std::unique_ptr<Digester> digester);

 private:
  const LiteralSet& gate_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Digester>> free_;
};

/// The ends of a pipeline that folds a source. All of them outlive the pipeline.
BlockPipeline::Ends folding(BlockReader& reader, SourceFold& fold, Digesters& digesters,
                            std::atomic<uint64_t>* progress = nullptr, PassTimes* times = nullptr);

}  // namespace rankdx
