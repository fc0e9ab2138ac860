#include "bundle/line_filter.h"

#include <algorithm>

#include "base/text.h"

namespace rankdx {

int rank_of_loose(const Envelope& m, const RankOf& ranks) {
  if (m.label_rank >= 0) return m.label_rank;
  return ranks.find(m.origin, m.host, m.level == Level::None || m.pid < 0 ? m.actor_pid : m.pid);
}

int LineFilter::rank(const Envelope& m) {
  if (m.label_rank >= 0 || m.writer == kNoWriter) return rank_of_loose(m, ranks_);
  constexpr int kNotYet = -2;
  if (m.writer >= rank_of_writer_.size()) rank_of_writer_.resize(m.writer + 1, kNotYet);
  int& known = rank_of_writer_[m.writer];
  if (known == kNotYet) known = ranks_.find(m.origin, m.host, m.pid);
  return known;
}

void LineFilter::on_message(const Envelope& m, std::string_view line) {
  const int who = judge_.asks_for_rank() || counts_ ? rank(m) : -1;
  const MessageJudge::Said said{m.level, m.time_us, m.body, m.file, m.func, m.host.size()};
  if (counts_) {
    counts_->by_subsystem[judge_.subsystem(said)].add(line);
    counts_->by_rank[std::max(who, -1)].add(line);
  }
  wanted_ |= judge_.wants(said, who);
}

bool LineFilter::wants(std::string_view line) {
  if (counts_ == nullptr) {
    if (judge_.is_out(line)) return false;
    if (judge_.takes_all()) return !trim(line).empty();
  }
  wanted_ = false;
  scanner_.scan_line(line, *this);
  return wanted_;
}

}  // namespace rankdx
