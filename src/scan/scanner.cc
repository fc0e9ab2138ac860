#include "scan/scanner.h"

#include "scan/clean.h"
#include "scan/head_memo.h"
#include "scan/line_marks.h"
#include "scan/message.h"

namespace rankdx {

struct Scanner::Impl {
  ScanCounts counts;
  SourceMemory memory;
  HeadMemo heads;
  std::string scratch;

  /// The usual message: its head is known and nothing is glued to it.
  bool emit_known(std::string_view text, const LineMarks& marks, const HeadMemo::Entry& known,
                  LineOutput& out) {
    const Level level = level_at(text, marks.nccl);
    if (level == Level::None) return false;
    const size_t at = message_at(text, marks.nccl, level);
    if (marks.nccl_again != LineMarks::kNone) {
      const std::string_view body = text.substr(at);
      if (glued_at(body, marks.nccl_again - at, memory.hosts) < body.size()) return false;
    }
    Envelope e = known.envelope;
    e.level = level;
    e.body = text.substr(at);
    if (known.stamp >= 0) e.time_us = heads.time_us(known);
    trim_body(e, known.boxed);
    out.deliver(e);
    return true;
  }

  void scan_text(std::string_view text, const LineMarks& marks, LineOutput& out) {
    if (marks.nccl == LineMarks::kNone) return emit_text(text, {}, Speaks::No, Cut::No, out);
    const HeadMemo::Entry* known = heads.find(text.substr(0, marks.nccl));
    if (known != nullptr && emit_known(text, marks, *known, out)) return;
    const auto head = emit_messages(text, marks.nccl, memory, out);
    if (known == nullptr && head && head->nccl == marks.nccl) heads.remember(*head);
  }

  void scan_odd(std::string_view line, LineOutput& out) {
    const CleanLine clean = clean_line(line, scratch);
    out.text_damaged = clean.text_damaged;
    out.damaged = clean.damaged;
    if (!clean.has_returns) return scan_text(clean.text, mark_line(clean.text), out);
    for_each_visible_part(clean.text,
                          [&](std::string_view part) { scan_text(part, mark_line(part), out); });
  }
};

Scanner::Scanner() : impl_(std::make_unique<Impl>()) {}
Scanner::~Scanner() = default;
Scanner::Scanner(Scanner&&) noexcept = default;
Scanner& Scanner::operator=(Scanner&&) noexcept = default;

void Scanner::scan_line(std::string_view line, MessageSink& sink) {
  ++impl_->counts.lines;
  LineOutput out{sink, impl_->counts, line};
  std::string_view text = line;
  if (text.ends_with('\r')) text.remove_suffix(1);
  const LineMarks marks = mark_line(text);
  if (marks.odd) {
    impl_->scan_odd(text, out);
  } else {
    impl_->scan_text(text, marks, out);
  }
  impl_->counts.damaged_lines += out.damaged;
}

const ScanCounts& Scanner::counts() const { return impl_->counts; }
SourceMemory& Scanner::memory() { return impl_->memory; }

}  // namespace rankdx
