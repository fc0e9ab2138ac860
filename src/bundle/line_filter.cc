#include "bundle/line_filter.h"

#include "base/text.h"

namespace rankdx {

std::string writer_key(const Envelope& m) {
  const bool has_pid = m.writer != kNoWriter || (m.level != Level::None && m.pid >= 0);
  return writer_key(m, has_pid ? m.pid : m.actor_pid);
}

int LineFilter::rank(const Envelope& m) {
  if (m.label_rank >= 0) return m.label_rank;
  if (m.writer == kNoWriter) return ranks_.find(writer_key(m));
  constexpr int kNotYet = -2;
  if (m.writer >= rank_of_writer_.size()) rank_of_writer_.resize(m.writer + 1, kNotYet);
  int& known = rank_of_writer_[m.writer];
  if (known == kNotYet) known = ranks_.find(writer_key(m));
  return known;
}

void LineFilter::on_message(const Envelope& m, std::string_view line) {
  const int who = judge_.asks_for_rank() ? rank(m) : -1;
  const MessageJudge::Said said{m.level, m.time_us, m.body, m.file, m.func, m.host.size()};
  if (counts_) {
    counts_->by_subsystem[judge_.subsystem(said)].add(line);
    counts_->of_writer(writer_key(m)).add(line);
  }
  judge_.note_time(said);
  wanted_ |= judge_.is_in_time() && judge_.wants(said, who);
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
