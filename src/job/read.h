// Files to Facts: every input is folded on its own, on as many threads as wanted; the result is the
// same for any number.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "input/block_pipeline.h"
#include "input/input.h"
#include "job/facts.h"
#include "scan/literal_set.h"

namespace rankdx {

/// What a reader in another thread may watch.
struct ReadProgress {
  std::atomic<uint64_t> bytes{0};  ///< unpacked bytes folded so far
  std::atomic<uint64_t> files{0};  ///< inputs done
  std::atomic<uint64_t> files_total{0};
  std::atomic<uint64_t> bytes_total{0};  ///< 0: unknown (packed files, standard input)
};

struct ReadOptions {
  int threads = 1;
  ReadProgress* progress = nullptr;
  PassTimes* times = nullptr;
  size_t block_bytes = size_t{1} << 18;  ///< fits the second-level cache; no matter for the result
  /// For somebody who looks at the same blocks of a log: gets its name and the ends of its
  /// pipeline, and gives those that do both. By any thread; not for JSON and documents, whose lines
  /// are others.
  std::function<BlockPipeline::Ends(const std::string&, BlockPipeline::Ends)> beside;
};

struct ReadResult {
  Facts facts;
  uint64_t logs = 0;  ///< sources that were folded; all others came from facts files
  /// Inputs, or parts of them, that could not be used, in the order of the inputs; then what the
  /// facts files say of theirs.
  std::vector<Error> left_out;
  std::vector<size_t> left_out_of;  ///< input of each entry, as far as known
};

/// Logs (files, directories, globs, "-", compressed, bundles) and facts files. Empty `paths`:
/// standard input. `gate` selects the lines that are kept for the rules.
ReadResult read_facts(const std::vector<std::string>& paths, const LiteralSet& gate,
                      const ReadOptions& options);

/// The same for inputs that were listed before.
ReadResult read_inputs(const std::vector<InputPath>& inputs, const LiteralSet& gate,
                       const ReadOptions& options);

/// Puts what was left out into the facts, and what the facts say was left out behind it: the last
/// step, once the results of all inputs are in one.
void settle_left_out(ReadResult& result);

}  // namespace rankdx
