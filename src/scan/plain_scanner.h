// Lines that can be understood alone, whatever came before them in the source: nearly all of a log.
// Blocks of one source can so be scanned on several threads. The few lines whose meaning hangs on
// the hosts seen so far (two messages glued together, a cut head) are left to the source's Scanner.
// Not thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "scan/envelope.h"
#include "scan/head_memo.h"
#include "scan/line_marks.h"
#include "scan/scanner.h"

namespace rankdx {

class PlainScanner : private MessageSink {
 public:
  enum class Got : uint8_t {
    Nothing,  ///< a blank line
    Known,    ///< one NCCL message with a whole head: see known()
    Loose,    ///< one message without such a head: see loose()
    Unsure,   ///< a Scanner that has read all lines before must read it
  };
  struct KnownMessage {
    const HeadMemo::Entry* head = nullptr;  ///< stays until the next start()
    Level level = Level::None;
    uint32_t repeated = 1;
    int64_t time_us = kNoTime;
    std::string_view body;
    std::string_view text;  ///< from "NCCL " to the end of the line, unless it was rewritten
  };

  enum class Start : uint8_t { WithHeads, Afresh };
  /// To be called before each block. Afresh: the heads of the blocks before were forgotten.
  Start start();
  /// Before the first block of another source.
  void forget() { heads_.forget(); }
  /// The same as Scanner::scan_line() if the host of the head is known by then (KnownHosts).
  /// `marks`: of the line.
  Got scan(std::string_view line, const LineMarks& marks) {
    rewritten_ = false;
    return marks.odd ? scan_odd(line) : scan_text(line, marks.nccl, marks.nccl_again);
  }
  /// The first half of scan(), for who may know the rest of the line: its head, if the line has no
  /// odd bytes and one "NCCL ", and the head was met before. `readable`: bytes from the line's
  /// begin on. nullptr: call scan().
  const HeadMemo::Entry* find_head(std::string_view line, const LineMarks& marks, size_t readable) {
    if (marks.odd || marks.nccl == LineMarks::kNone || marks.nccl_again != LineMarks::kNone ||
        readable < HeadMemo::kNearBytes)
      return nullptr;
    rewritten_ = false;
    const std::string_view head = line.substr(0, marks.nccl);
    const HeadMemo::Entry* const near = heads_.find_near(head);
    return near ? near : heads_.find(head);
  }
  /// The second half.
  Got scan_behind(const HeadMemo::Entry& head, std::string_view line, const LineMarks& marks) {
    return scan_message(head, line, marks.nccl, marks.nccl_again);
  }
  /// The time of the message with the head that was found last.
  int64_t time_us(const HeadMemo::Entry& head) const {
    return head.stamp >= 0 ? heads_.time_us(head) : head.envelope.time_us;
  }
  const KnownMessage& known() const { return known_; }
  const Envelope& loose() const { return loose_; }
  /// The message's views do not point into the line: it was rewritten, and they live until the next
  /// scan().
  bool is_rewritten() const { return rewritten_; }

 private:
  void on_message(const Envelope& message, std::string_view line) override;
  Got scan_odd(std::string_view text);
  Got scan_text(std::string_view text, size_t nccl, size_t nccl_again);
  Got scan_message(const HeadMemo::Entry& head, std::string_view text, size_t nccl,
                   size_t nccl_again);
  Got scan_loose(std::string_view text, size_t nccl);

  HeadMemo heads_{HeadMemo::WhenFull::Refuse};
  KnownMessage known_;
  Envelope loose_;
  bool has_loose_ = false, rewritten_ = false;
  std::string scratch_;
  ScanCounts unused_;
};

}  // namespace rankdx
