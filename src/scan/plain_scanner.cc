#include "scan/plain_scanner.h"

#include "scan/clean.h"
#include "scan/message.h"

namespace rankdx {

PlainScanner::Start PlainScanner::start() {
  if (heads_.size() < HeadMemo::kMaxHeads / 2) return Start::WithHeads;
  heads_.forget();
  return Start::Afresh;
}

void PlainScanner::on_message(const Envelope& message, std::string_view) {
  loose_ = message;
  has_loose_ = true;
}

PlainScanner::Got PlainScanner::scan_loose(std::string_view text, size_t nccl) {
  if (nccl != LineMarks::kNone && find_prefix(text, nccl)) return Got::Unsure;
  LineOutput out{*this, unused_, text};
  has_loose_ = false;
  emit_text(text, {}, nccl == LineMarks::kNone ? Speaks::No : Speaks::Perhaps, Cut::No, out);
  return has_loose_ ? Got::Loose : Got::Nothing;
}

PlainScanner::Got PlainScanner::scan_text(std::string_view text, size_t nccl, size_t nccl_again) {
  if (nccl == LineMarks::kNone) return scan_loose(text, nccl);
  const HeadMemo::Entry* head = heads_.find(text.substr(0, nccl));
  if (head == nullptr) {
    const auto read = read_whole_head(text, nccl);
    if (!read) return scan_loose(text, nccl);
    head = heads_.remember(*read);
    if (head == nullptr) return Got::Unsure;
  }
  return scan_message(*head, text, nccl, nccl_again);
}

PlainScanner::Got PlainScanner::scan_message(const HeadMemo::Entry& head, std::string_view text,
                                             size_t nccl, size_t nccl_again) {
  const Level level = level_at(text, nccl);
  if (level == Level::None) return Got::Unsure;
  const size_t at = message_at(text, nccl, level);
  if (nccl_again != LineMarks::kNone && find_prefix(text.substr(at), nccl_again - at))
    return Got::Unsure;
  known_.head = &head;
  known_.level = level;
  known_.time_us = time_us(head);
  known_.repeated = 1;
  known_.body = text.substr(at);
  known_.text = text.substr(nccl);
  const char last = known_.body.empty() ? ' ' : known_.body.back();
  if (head.boxed || last == ']' || last == ')') {
    Envelope e;
    e.body = known_.body;
    trim_body(e, head.boxed);
    known_.body = e.body;
    known_.repeated = e.repeated;
  }
  return Got::Known;
}

/// A line with a byte that is marked as odd.
PlainScanner::Got PlainScanner::scan_odd(std::string_view text) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  const LineMarks plain = mark_line(text);
  if (!plain.odd) return scan_text(text, plain.nccl, plain.nccl_again);
  const CleanLine clean = clean_line(text, scratch_);
  if (clean.has_returns || clean.damaged) return Got::Unsure;
  rewritten_ = clean.text.data() < text.data() || clean.text.data() > text.data() + text.size();
  const LineMarks marks = mark_line(clean.text);
  return scan_text(clean.text, marks.nccl, marks.nccl_again);
}

}  // namespace rankdx
