// One source on its way to Facts: blocks are digested by any thread, and folded in order. The
// result is the same for any number of threads and any size of blocks.
#pragma once

#include "input/block_pipeline.h"
#include "scan/literal_set.h"

namespace rankdx {

class SourceFold;

/// The ends of a pipeline that folds a source. All of them outlive the pipeline; `gate` selects the
/// lines that rules want to see.
BlockPipeline::Ends folding(BlockReader& reader, SourceFold& fold, const LiteralSet& gate,
                            std::atomic<uint64_t>* progress = nullptr, PassTimes* times = nullptr);

}  // namespace rankdx
