// One source on several threads: each block is judged on its own, and what hangs on the lines
// before it is judged when its turn comes.
#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/text.h"
#include "bundle/filter.h"
#include "bundle/line_filter.h"
#include "input/block_pipeline.h"
#include "job/template_hash.h"
#include "scan/line_cutter.h"
#include "scan/plain_scanner.h"

namespace rankdx {
namespace {

class BlockFilter : public BlockWork {
 public:
  /// What must be known of the lines before to tell whether a line is wanted.
  enum class Needs : uint8_t { Nothing, Time, Lines };
  struct Line {
    std::string_view text;
    uint32_t number;  ///< in the block, from 1 on
    Needs needs;
    int64_t time = kNoTime;  ///< of the lines before it, if it needs them and the block says so
    uint64_t kind = 0;       ///< for the collapser, unless it needs Lines
  };

  explicit BlockFilter(const Filtering& filtering)
      : filtering_(filtering), judge_(filtering.options) {}

  void work(std::string_view block) override;

  std::string_view block() const { return block_; }
  /// Those that are wanted, or may be.
  const std::vector<Line>& lines() const { return lines_; }
  uint32_t line_count() const { return line_count_; }
  const VolumeCounts& counts() const { return counts_; }
  /// The time of the last line, if the block says so.
  int64_t last_time() const { return judge_.last_time; }

  /// Lets the hosts be known that the block was read with. False: it must be read anew.
  bool learn_hosts(KnownHosts& hosts);

 private:
  struct Head {
    uint32_t block = 0;  ///< where it was seen last
    int rank = -1;
    bool ranked = false, learnt = false;
    VolumeCounts::Count* count = nullptr;  ///< of the writer, in this block
  };
  Head& head_of(const HeadMemo::Entry& entry);
  void take(std::string_view line, const LineMarks& marks);
  PlainScanner::Got scan(std::string_view line, const LineMarks& marks);
  size_t bytes_left(const char* place) const {
    return static_cast<size_t>(block_.data() + block_.size() - place);
  }
  void judge(const MessageJudge::Said& said, int rank, VolumeCounts::Count* count,
             std::string_view line, const LineMarks& marks);
  void keep(std::string_view line, const LineMarks& marks, Needs needs);

  const Filtering& filtering_;
  MessageJudge judge_;
  PlainScanner scanner_;
  std::string_view block_;
  uint32_t block_number_ = 0, line_count_ = 0;
  bool is_unsure_ = false;
  std::vector<Line> lines_;
  std::vector<Head> heads_;                        ///< by their number
  std::vector<const HeadMemo::Entry*> new_heads_;  ///< of this block
  VolumeCounts counts_;
};

void BlockFilter::work(std::string_view block) {
  block_ = block;
  ++block_number_;
  line_count_ = 0;
  is_unsure_ = false;
  lines_.clear();
  new_heads_.clear();
  if (filtering_.counts) counts_ = {};
  judge_.last_time = kNoTime;
  judge_.start();
  if (scanner_.start() == PlainScanner::Start::Afresh) heads_.clear();
  LineCutter cutter(block);
  std::string_view line;
  LineMarks marks;
  while (cutter.next(line, marks)) {
    ++line_count_;
    take(line, marks);
  }
}

BlockFilter::Head& BlockFilter::head_of(const HeadMemo::Entry& entry) {
  if (entry.index >= heads_.size()) heads_.resize(entry.index + 64);
  Head& head = heads_[entry.index];
  if (head.block == block_number_) return head;
  head.block = block_number_;
  if (!head.learnt) new_heads_.push_back(&entry);
  if (judge_.asks_for_rank() && !std::exchange(head.ranked, true))
    head.rank = filtering_.ranks.find(writer_key(entry.envelope, entry.envelope.pid));
  if (filtering_.counts)
    head.count = &counts_.of_writer(writer_key(entry.envelope, entry.envelope.pid));
  return head;
}

void BlockFilter::keep(std::string_view line, const LineMarks& marks, Needs needs) {
  const bool only_counted =
      filtering_.counts && !filtering_.collapser && !filtering_.options.around;
  if (only_counted && needs == Needs::Nothing) {
    ++counts_.kept;
    return;
  }
  Line& kept = lines_.emplace_back(Line{line, line_count_, needs});
  if (filtering_.collapser)
    kept.kind = template_hash(marks.nccl == LineMarks::kNone ? line : line.substr(marks.nccl));
}

void BlockFilter::judge(const MessageJudge::Said& said, int rank, VolumeCounts::Count* count,
                        std::string_view line, const LineMarks& marks) {
  if (filtering_.counts) {
    counts_.by_subsystem[judge_.subsystem(said)].add(line);
    count->add(line);
  }
  judge_.note_time(said);
  const bool no_time = judge_.asks_for_time() && judge_.last_time == kNoTime;
  if (!no_time && !judge_.is_in_time()) return;
  if (judge_.wants(said, rank)) keep(line, marks, no_time ? Needs::Time : Needs::Nothing);
}

PlainScanner::Got BlockFilter::scan(std::string_view line, const LineMarks& marks) {
  const HeadMemo::Entry* const head = scanner_.find_head(line, marks, bytes_left(line.data()));
  return head ? scanner_.scan_behind(*head, line, marks) : scanner_.scan(line, marks);
}

void BlockFilter::take(std::string_view line, const LineMarks& marks) {
  if (filtering_.counts == nullptr) {
    if (judge_.is_out(line)) return;
    if (judge_.takes_all()) {
      if (!trim(line).empty()) keep(line, marks, Needs::Nothing);
      return;
    }
  }
  switch (scan(line, marks)) {
    case PlainScanner::Got::Nothing:
      return;
    case PlainScanner::Got::Known: {
      const PlainScanner::KnownMessage& m = scanner_.known();
      const Envelope& e = m.head->envelope;
      const Head& head = head_of(*m.head);
      const bool has_shape = !m.head->boxed && !scanner_.is_rewritten() &&
                             bytes_left(m.text.data()) >= Shape::kMostBytes;
      return judge({m.level, m.time_us, m.body, e.file, e.func, e.host.size(),
                    has_shape ? m.text : std::string_view()},
                   head.rank, head.count, line, marks);
    }
    case PlainScanner::Got::Loose: {
      const Envelope& e = scanner_.loose();
      const bool asks = judge_.asks_for_rank() || filtering_.counts;
      const std::string writer = asks ? writer_key(e) : std::string();
      return judge({e.level, e.time_us, e.body, e.file, e.func, e.host.size()},
                   judge_.asks_for_rank() ? filtering_.ranks.find(writer) : -1,
                   filtering_.counts ? &counts_.of_writer(writer) : nullptr, line, marks);
    }
    case PlainScanner::Got::Unsure:
      is_unsure_ = true;
      lines_.push_back({line, line_count_, Needs::Lines, judge_.last_time});
      judge_.last_time = kNoTime;  // it may say another one
  }
}

bool BlockFilter::learn_hosts(KnownHosts& hosts) {
  std::vector<std::string_view> names;
  for (const HeadMemo::Entry* head : new_heads_) names.push_back(head->envelope.host);
  if (!can_learn(hosts, names, is_unsure_ ? Hangs::OnHosts : Hangs::No)) return false;
  for (const HeadMemo::Entry* head : new_heads_) {
    hosts.learn(head->envelope.host);
    heads_[head->index].learnt = true;
  }
  return true;
}

/// The blocks of a source in order.
class SourceFilter {
 public:
  explicit SourceFilter(const Filtering& filtering)
      : filtering_(filtering), by_line_(filtering.options, filtering.ranks, filtering.counts) {}

  void add(BlockFilter& block);

 private:
  void add_judged(const BlockFilter& block);
  void add_lines(std::string_view block);
  void keep(std::string_view line, uint64_t kind);

  const Filtering& filtering_;
  LineFilter by_line_;
  uint64_t lines_before_ = 0;
  std::string kept_;  ///< of the block at hand
};

void SourceFilter::add(BlockFilter& block) {
  kept_.clear();
  if (block.learn_hosts(by_line_.memory().hosts)) {
    add_judged(block);
  } else {
    add_lines(block.block());
  }
  if (!kept_.empty()) filtering_.write(kept_);
  lines_before_ += block.line_count();
  if (filtering_.counts) filtering_.counts->lines += block.line_count();
}

void SourceFilter::add_judged(const BlockFilter& block) {
  if (filtering_.counts) filtering_.counts->add(block.counts());
  for (const BlockFilter::Line& line : block.lines()) {
    using Needs = BlockFilter::Needs;
    if (line.time != kNoTime) by_line_.set_time(line.time);
    if (line.needs == Needs::Lines && !by_line_.wants(line.text)) continue;
    if (line.needs == Needs::Time && !by_line_.is_in_time()) continue;
    if (!is_near(filtering_.options, lines_before_ + line.number)) continue;
    const bool no_kind = line.needs == Needs::Lines && filtering_.collapser;
    keep(line.text, no_kind ? Collapser::kind_of(line.text) : line.kind);
  }
  if (block.last_time() != kNoTime) by_line_.set_time(block.last_time());
}

void SourceFilter::add_lines(std::string_view block) {
  for (uint64_t number = lines_before_ + 1; !block.empty(); ++number) {
    const size_t end = std::min(block.find('\n'), block.size());
    const std::string_view line = block.substr(0, end);
    block.remove_prefix(std::min(end + 1, block.size()));
    if (!by_line_.wants(line) || !is_near(filtering_.options, number)) continue;
    keep(line, filtering_.collapser ? Collapser::kind_of(line) : 0);
  }
}

void SourceFilter::keep(std::string_view line, uint64_t kind) {
  if (filtering_.counts) ++filtering_.counts->kept;
  if (filtering_.collapser && !filtering_.collapser->first(kind, line)) return;
  if (filtering_.counts) return;
  kept_.append(line) += '\n';
}

}  // namespace

void filter_source(ByteSource& source, const Filtering& filtering, size_t threads,
                   size_t block_bytes) {
  BlockReader reader(source, block_bytes, BlockReader::Fill::AsItComes);
  SourceFilter filter(filtering);
  BlockPipeline pipeline({reader, [&] { return std::make_unique<BlockFilter>(filtering); },
                          [&](BlockWork& block) { filter.add(static_cast<BlockFilter&>(block)); }},
                         threads + 1);
  pipeline.work_on_threads(threads);
}

/// One source that somebody else reads.
struct VolumeWatch::Source {
  VolumeWatch& watch;
  RankOf no_ranks;
  VolumeCounts counts;
  Filtering filtering{watch.options_, no_ranks, &counts, nullptr, nullptr};
  SourceFilter filter{filtering};

  explicit Source(VolumeWatch& w) : watch(w) {}
  ~Source() {
    const std::lock_guard lock(watch.mutex_);
    watch.counts_.add(counts);
  }
};

BlockPipeline::Ends VolumeWatch::beside(const std::string& name, BlockPipeline::Ends other) {
  struct Both : BlockWork {
    std::unique_ptr<BlockWork> other;
    BlockFilter filter;
    Both(std::unique_ptr<BlockWork> o, const Filtering& filtering)
        : other(std::move(o)), filter(filtering) {}
    void work(std::string_view block) override {
      other->work(block);
      filter.work(block);
    }
  };
  {
    const std::lock_guard lock(mutex_);
    names_.insert(name);
  }
  auto source = std::make_shared<Source>(*this);
  BlockPipeline::Ends both = other;
  both.make = [source, make = other.make] {
    return std::make_unique<Both>(make(), source->filtering);
  };
  both.finish = [source, finish = other.finish](BlockWork& work) {
    auto& block = static_cast<Both&>(work);
    finish(*block.other);
    source->filter.add(block.filter);
  };
  return both;
}

}  // namespace rankdx
