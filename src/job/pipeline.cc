#include "job/pipeline.h"

#include "job/digest.h"
#include "job/fold.h"

namespace rankdx {
namespace {

class DigestWork : public BlockWork {
 public:
  explicit DigestWork(Digesters& all) : all_(all), digester_(all.take()) {}
  ~DigestWork() override { all_.give_back(std::move(digester_)); }
  void work(std::string_view block) override { digest_ = &digester_->digest(block); }
  BlockDigest& digest() { return *digest_; }

 private:
  Digesters& all_;
  std::unique_ptr<Digester> digester_;
  BlockDigest* digest_ = nullptr;
};

}  // namespace

Digesters::Digesters(const LiteralSet& gate) : gate_(gate) {}
Digesters::~Digesters() = default;

std::unique_ptr<Digester> Digesters::take() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) return std::make_unique<Digester>(gate_);
  auto digester = std::move(free_.back());
  free_.pop_back();
  digester->begin_source();
  return digester;
}

void Digesters::give_back(std::unique_ptr<Digester> digester) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(digester));
}

BlockPipeline::Ends folding(BlockReader& reader, SourceFold& fold, Digesters& digesters,
                            std::atomic<uint64_t>* progress, PassTimes* times) {
  return {reader, [&digesters] { return std::make_unique<DigestWork>(digesters); },
          [&fold](BlockWork& work) { fold.add(static_cast<DigestWork&>(work).digest()); }, progress,
          times};
}

}  // namespace rankdx
