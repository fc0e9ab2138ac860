#include "job/pipeline.h"

#include "job/digest.h"
#include "job/fold.h"

namespace rankdx {
namespace {

class DigestWork : public BlockWork {
 public:
  explicit DigestWork(const LiteralSet& gate) : digester_(gate) {}
  void work(std::string_view block) override { digest_ = &digester_.digest(block); }
  BlockDigest& digest() { return *digest_; }

 private:
  Digester digester_;
  BlockDigest* digest_ = nullptr;
};

}  // namespace

BlockPipeline::Ends folding(BlockReader& reader, SourceFold& fold, const LiteralSet& gate,
                            std::atomic<uint64_t>* progress, PassTimes* times) {
  return {reader, [&gate] { return std::make_unique<DigestWork>(gate); },
          [&fold](BlockWork& work) { fold.add(static_cast<DigestWork&>(work).digest()); }, progress,
          times};
}

}  // namespace rankdx
