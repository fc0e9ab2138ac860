// Blocks of lines to what they add to a source, worked out without the lines before them, so that
// blocks can be digested on several threads and folded in order (SourceFold::add). What nearly all
// lines say is summed up per speaker; what hangs on the order of lines becomes a record. A Digester
// serves one block at a time; its digest's views point into the block and into the Digester and
// live until the next digest().
#pragma once

#include <array>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "events/event.h"
#include "events/nccl/skim.h"
#include "job/process_fold.h"
#include "job/said_alike.h"
#include "job/said_before.h"
#include "scan/literal_set.h"
#include "scan/plain_scanner.h"

namespace rankdx {

/// Order-free hash of the lines of a source: that of two parts one after the other is made of
/// theirs. It only has to tell two logs of one name apart.
class LineHash {
 public:
  void add(std::string_view line);
  void append(const LineHash& later);
  uint64_t value() const { return sum_; }

 private:
  uint64_t sum_ = 0, power_ = 1;
};

struct BlockDigest {
  /// Lines that begin with the same head, or come from the same wrapper.
  struct Speaker {
    const HeadMemo::Entry* head = nullptr;  ///< nullptr: messages without a head
    const Envelope* said = nullptr;         ///< of the head, or of the first such message
    uint32_t first_line = 0, last_line = 0, last_nccl_line = 0, label_line = 0;  ///< from 1 on
    uint32_t lines = 0, nccl_lines = 0, warns = 0, bulk = 0, repeated = 0, unrecognised = 0;
    uint32_t backtraces = 0;  ///< without those that are messages
    int label_rank = -1;
    bool last_cut = false;
    int64_t first_us = kNoTime, last_us = kNoTime;
    std::string_view last_nccl;
  };
  enum class Does : uint8_t {
    Event = 1,
    Note = 2,
    Engine = 4,
    Unrecognised = 8,
    Phase = 16,
    Python = 32
  };
  /// A message whose place among the others matters.
  struct Message {
    const Envelope* said;
    uint32_t repeated;
    uint8_t does;  ///< of Does
    Level level;
    int64_t time_us;
    std::string_view line, body;
    const Event* event;
    uint64_t template_hash = 0;  ///< for a Note
  };
  /// Collective calls of one process with one communicator, between which nothing else of weight
  /// was said by it.
  struct CallGroup {
    uint64_t comm = 0;
    uint32_t first = 0, last = 0;  ///< indices of calls
    uint32_t count = 0;
  };
  struct Call {
    uint64_t op_count = 0, count = 0;
    int datatype = -1, op = -1, root = -1;
    uint32_t name = 0;  ///< index into call_names
    uint32_t line = 0;  ///< in the block, from 1 on
    uint32_t next = 0;  ///< index of the next one of its group; 0: none
  };
  enum class Step : uint8_t { Speaker, Message, Calls, Line };
  struct Record {
    Step step;
    uint32_t line;  ///< in the block, from 1 on
    uint32_t speaker;
    uint32_t index;  ///< of the message or the group of calls
  };

  std::vector<Record> records;
  std::vector<Speaker> speakers;
  std::vector<Message> messages;
  std::vector<CallGroup> call_groups;
  std::vector<Call> calls;
  std::vector<std::string_view> call_names;
  std::vector<std::string_view> unsure;  ///< lines for the source's own scanner
  std::string_view block;
  uint32_t lines = 0;
  uint64_t nccl_lines = 0, damaged_lines = 0;  ///< without the unsure ones
  LineHash hash;
  /// By number of the head: the process, as the fold found it out. Goes on from block to block.
  std::vector<int> process_of_head;
  static constexpr int kNotYet = -2;

  void clear();
};

class Digester {
 public:
  /// `gate` selects the lines that rules want to see; it outlives the digester.
  explicit Digester(const LiteralSet& gate) : gate_(gate) {}
  /// The next block is of another source. What was learned of lines is kept.
  void begin_source();
  /// `block` holds whole lines; only the last one may lack its newline.
  BlockDigest& digest(std::string_view block);

 private:
  void forget_heads();
  void take_line(std::string_view line, const LineMarks& marks);
  PlainScanner::Got scan(std::string_view line, const LineMarks& marks);
  size_t bytes_left(const char* place) const;
  void take_known(std::string_view line);
  void take_loose(std::string_view line);
  bool take_bulk(uint32_t speaker, std::string_view line, const PlainScanner::KnownMessage& m);
  bool take_alike(const HeadMemo::Entry& head, std::string_view line, std::string_view text);
  bool take_again(uint32_t speaker, std::string_view line, const PlainScanner::KnownMessage& m);
  void add_call(const HeadMemo::Entry& head, const CollectiveCall& call);
  uint32_t index_of_name(std::string_view name);
  uint32_t process_of(const Envelope& head);
  void sort_event(uint32_t speaker, std::string_view line, const PlainScanner::KnownMessage& m,
                  const Envelope& said);
  uint32_t speaker_of(const HeadMemo::Entry& head) {
    if (head.index < by_head_.size() && by_head_[head.index].block == block_number_)
      return by_head_[head.index].speaker;
    return open_speaker(head);
  }
  uint32_t open_speaker(const HeadMemo::Entry& head);
  uint32_t speaker_of(const Envelope& loose);
  uint32_t add_speaker(const HeadMemo::Entry* head, const Envelope* said);
  void count(uint32_t speaker, const PlainScanner::KnownMessage& m, int label_rank);
  bool is_new_template(std::string_view body);
  void keep(const BlockDigest::Message& message, uint32_t speaker, const HeadMemo::Entry* head);
  void keep_event(uint32_t speaker, uint8_t does, std::string_view line,
                  const PlainScanner::KnownMessage& m, const Envelope& said);
  bool take_warn(uint32_t speaker, std::string_view line, const PlainScanner::KnownMessage& m);
  bool goes_on(uint32_t speaker, const HeadMemo::Entry& head, ProcessFold::Run run);
  void tally(uint32_t speaker, std::string_view line, bool is_cut);
  Event& event_at_hand();
  const Envelope* store(const Envelope& loose);

  static constexpr size_t kOpenCalls = 256;
  static constexpr uint32_t kNoProcess = 0xffffffff;
  struct HeadAt {
    uint32_t block = 0, speaker = 0;
    uint32_t process = kNoProcess;  ///< own numbers, of what is one process to the fold
    ProcessFold::Run run = ProcessFold::Run::None;  ///< of its last message of weight
    uint64_t run_since = 0;                         ///< as in OpenCalls, behind that message
  };
  /// A group that takes more calls, until its process says something else of weight.
  struct OpenCalls {
    uint64_t comm = 0;
    uint32_t process = kNoProcess, group = 0;
    uint64_t since = 0;  ///< said_ of the process, plus unsure_
  };
  const LiteralSet& gate_;
  PlainScanner scanner_;
  BlockDigest out_;
  SaidAlike said_alike_;
  SaidBefore said_before_;
  std::deque<Event> events_;  ///< of the messages that are kept, and one more that is parsed into
  size_t events_used_ = 0;
  std::vector<HeadAt> by_head_;
  std::unordered_map<std::string, uint32_t> processes_;
  std::array<OpenCalls, kOpenCalls> open_calls_;  ///< by a hash; one takes the place of another
  std::vector<uint64_t> said_;  ///< messages of weight, by process; goes on from block to block
  uint64_t unsure_ = 0;         ///< lines, and blocks
  uint32_t block_number_ = 0;
  std::vector<uint32_t> loose_speakers_;  ///< those of this block
  std::vector<uint64_t> unrecognised_;    ///< templates of this block
  std::deque<Envelope> envelopes_;
  std::deque<std::string> texts_;
};

}  // namespace rankdx
