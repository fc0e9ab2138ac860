#include "job/digest.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "events/nccl.h"
#include "job/notables.h"
#include "job/template_hash.h"
#include "job/text_marks.h"
#include "scan/line_cutter.h"
#include "scan/quick_text.h"

namespace rankdx {
namespace {

constexpr size_t kUnrecognisedSamples = 8;
constexpr size_t kMaxLooseSpeakers =
    64;  ///< looked through one by one; more are left to the source's fold

constexpr uint64_t kStep = 0x9e3779b97f4a7c15ULL;

uint64_t word(const char* p) {
  uint64_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

/// Cheap: length, head and tail of a line.
uint64_t hash_of(std::string_view line) {
  constexpr size_t kWord = 8;
  uint64_t head = 0, tail = 0;
  if (line.size() >= kWord) {
    head = word(line.data());
    tail = word(line.data() + line.size() - kWord);
  } else {
    for (char c : line) head = head << 8 | static_cast<unsigned char>(c);
  }
  uint64_t hash = (head ^ line.size()) * 0xff51afd7ed558ccdULL;
  hash = (hash ^ hash >> 29 ^ tail) * 0xc4ceb9fe1a85ec53ULL;
  return hash ^ hash >> 32;
}

constexpr uint8_t flag(BlockDigest::Does does) { return static_cast<uint8_t>(does); }

uint64_t notable_hash(std::string_view body) { return template_hash(body.substr(0, kMaxKeptText)); }

/// What becomes of an event.
enum class Fate : uint8_t { Counted, Bulk, Call, Record };
auto make_fates() {
  std::array<Fate, 256> fates{};
  for (size_t i = 0; i < fates.size(); ++i) {
    fates[i] = ProcessFold::wants(static_cast<EventKind>(i)) ? Fate::Record : Fate::Counted;
  }
  for (auto kind :
       {EventKind::CallTrace, EventKind::Tuning, EventKind::Alloc, EventKind::ProxyNote}) {
    fates[static_cast<size_t>(kind)] = Fate::Bulk;
  }
  fates[static_cast<size_t>(EventKind::CollCall)] = Fate::Call;
  return fates;
}
const auto kFates = make_fates();

}  // namespace

void LineHash::add(std::string_view line) {
  sum_ = sum_ * kStep + hash_of(line);
  power_ *= kStep;
}

void LineHash::append(const LineHash& later) {
  sum_ = sum_ * later.power_ + later.sum_;
  power_ *= later.power_;
}

void BlockDigest::clear() {
  records.clear();
  speakers.clear();
  messages.clear();
  call_groups.clear();
  calls.clear();
  call_names.clear();
  unsure.clear();
  lines = 0;
  nccl_lines = damaged_lines = 0;
  hash = {};
}

void Digester::forget_heads() {
  out_.process_of_head.clear();
  by_head_.clear();
  processes_.clear();
  said_.clear();
  open_calls_.fill({});
}

void Digester::begin_source() {
  scanner_.forget();
  forget_heads();
}

BlockDigest& Digester::digest(std::string_view block) {
  out_.clear();
  out_.block = block;
  if (scanner_.start() == PlainScanner::Start::Afresh) forget_heads();
  ++unsure_;
  said_before_.start();
  events_used_ = 0;
  loose_speakers_.clear();
  unrecognised_.clear();
  envelopes_.clear();
  texts_.clear();
  ++block_number_;
  LineCutter cutter(block);
  std::string_view line;
  LineMarks marks;
  while (cutter.next(line, marks)) take_line(line, marks);
  return out_;
}

/// Nothing for a line that was taken already.
PlainScanner::Got Digester::scan(std::string_view line, const LineMarks& marks) {
  if (line.empty()) return PlainScanner::Got::Nothing;
  const HeadMemo::Entry* const head = scanner_.find_head(line, marks, bytes_left(line.data()));
  if (head == nullptr) return scanner_.scan(line, marks);
  const std::string_view text = line.substr(marks.nccl);
  if (bytes_left(text.data()) >= Shape::kMostBytes && take_alike(*head, line, text))
    return PlainScanner::Got::Nothing;
  return scanner_.scan_behind(*head, line, marks);
}

void Digester::take_line(std::string_view line, const LineMarks& marks) {
  ++out_.lines;
  out_.hash.add(line);
  switch (scan(line, marks)) {
    case PlainScanner::Got::Nothing:
      return;
    case PlainScanner::Got::Known:
      return take_known(line);
    case PlainScanner::Got::Loose:
      return take_loose(line);
    case PlainScanner::Got::Unsure:
      out_.records.push_back(
          {BlockDigest::Step::Line, out_.lines, 0, static_cast<uint32_t>(out_.unsure.size())});
      out_.unsure.push_back(line);
      ++unsure_;
  }
}

uint32_t Digester::add_speaker(const HeadMemo::Entry* head, const Envelope* said) {
  const auto speaker = static_cast<uint32_t>(out_.speakers.size());
  BlockDigest::Speaker& fresh = out_.speakers.emplace_back();
  fresh.head = head;
  fresh.said = said;
  fresh.first_line = out_.lines;
  out_.records.push_back({BlockDigest::Step::Speaker, out_.lines, speaker, 0});
  return speaker;
}

/// The first line of the head in this block.
uint32_t Digester::open_speaker(const HeadMemo::Entry& head) {
  if (head.index >= by_head_.size()) by_head_.resize(head.index + 64);
  if (head.index >= out_.process_of_head.size())
    out_.process_of_head.resize(head.index + 64, BlockDigest::kNotYet);
  HeadAt& at = by_head_[head.index];
  at.block = block_number_;
  at.speaker = add_speaker(&head, &head.envelope);
  if (at.process == kNoProcess) at.process = process_of(head.envelope);
  return at.speaker;
}

/// One per process: the key of SourceFold is (origin, host, pid, actor), and there is no host.
uint32_t Digester::speaker_of(const Envelope& e) {
  for (uint32_t speaker : loose_speakers_) {
    const Envelope& known = *out_.speakers[speaker].said;
    if (known.actor_pid == e.actor_pid && known.origin == e.origin && known.actor == e.actor)
      return speaker;
  }
  if (loose_speakers_.size() >= kMaxLooseSpeakers) loose_speakers_.clear();
  loose_speakers_.push_back(add_speaker(nullptr, store(e)));
  return loose_speakers_.back();
}

/// A copy that lives as long as the digest.
const Envelope* Digester::store(const Envelope& loose) {
  Envelope& kept = envelopes_.emplace_back(loose);
  if (!scanner_.is_rewritten()) return &kept;
  for (std::string_view* view :
       {&kept.origin, &kept.actor, &kept.actor_ip, &kept.file, &kept.func, &kept.body}) {
    *view = texts_.emplace_back(*view);
  }
  return &kept;
}

void Digester::count(uint32_t index, const PlainScanner::KnownMessage& m, int label_rank) {
  BlockDigest::Speaker& speaker = out_.speakers[index];
  ++speaker.lines;
  speaker.last_line = out_.lines;
  speaker.repeated += m.repeated > 1;
  if (label_rank >= 0) {
    speaker.label_rank = label_rank;
    speaker.label_line = out_.lines;
  }
  if (m.time_us != kNoTime) {
    speaker.first_us =
        speaker.first_us == kNoTime ? m.time_us : std::min(speaker.first_us, m.time_us);
    speaker.last_us = std::max(speaker.last_us, m.time_us);
  }
}

Event& Digester::event_at_hand() {
  if (events_used_ == events_.size()) events_.emplace_back();
  return events_[events_used_];
}

void Digester::keep(const BlockDigest::Message& message, uint32_t speaker,
                    const HeadMemo::Entry* head) {
  const auto index = static_cast<uint32_t>(out_.messages.size());
  out_.records.push_back({BlockDigest::Step::Message, out_.lines, speaker, index});
  if (head && (message.does & flag(BlockDigest::Does::Event)))
    ++said_[by_head_[head->index].process];
  out_.messages.push_back(message);
}

/// Does this event of weight only go on with what the process said last?
bool Digester::goes_on(uint32_t speaker, const HeadMemo::Entry& entry, ProcessFold::Run run) {
  using Run = ProcessFold::Run;
  if (run == Run::None) return false;
  HeadAt& head = by_head_[entry.index];
  const uint64_t since = said_[head.process] + unsure_;
  const bool same = head.run == run && head.run_since == since;
  head.run = run;
  head.run_since = same ? since : since + 1;  // keep() will count this message
  if (same && (run == Run::Backtrace || run == Run::NoError)) ++out_.speakers[speaker].backtraces;
  return same;
}

/// Keeps the event at hand.
void Digester::keep_event(uint32_t speaker, uint8_t does, std::string_view line,
                          const PlainScanner::KnownMessage& m, const Envelope& said) {
  Event& event = event_at_hand();
  ++events_used_;
  std::string_view body = m.body;
  if (m.head && scanner_.is_rewritten()) {
    // The views of the event point into the line as it was rewritten.
    body = texts_.emplace_back(m.body);
    if (does & flag(BlockDigest::Does::Event)) {
      parse_nccl({m.level, body, said.file, said.func, said.host.size()}, event);
    }
  }
  const uint64_t hash = does & flag(BlockDigest::Does::Note) ? notable_hash(body) : 0;
  keep({&said, m.repeated, does, m.level, m.time_us, line, body, &event, hash}, speaker, m.head);
}

bool Digester::is_new_template(std::string_view body) {
  if (unrecognised_.size() >= kUnrecognisedSamples) return false;
  const uint64_t hash = template_hash(body);
  if (std::find(unrecognised_.begin(), unrecognised_.end(), hash) != unrecognised_.end())
    return false;
  unrecognised_.push_back(hash);
  return true;
}

void Digester::sort_event(uint32_t index, std::string_view line,
                          const PlainScanner::KnownMessage& m, const Envelope& said) {
  Event& e = event_at_hand();
  parse_nccl({m.level, m.body, said.file, said.func, said.host.size()}, e);
  BlockDigest::Speaker& speaker = out_.speakers[index];
  tally(index, line, e.kind == EventKind::Unknown || (e.kind == EventKind::Other && e.truncated));
  uint8_t does = 0;
  switch (kFates[static_cast<size_t>(e.kind)]) {
    case Fate::Counted:
      break;
    case Fate::Bulk:
      speaker.bulk += !said.damaged;
      break;
    case Fate::Record:
      if (ProcessFold::wants(e) && !(m.head && goes_on(index, *m.head, ProcessFold::run_of(e)))) {
        does |= flag(BlockDigest::Does::Event);
      }
      break;
    case Fate::Call:
      if (m.head)
        add_call(*m.head, {e.name, e.comm, e.op_count, e.count, e.datatype, e.op, e.root});
      break;
  }
  // A glued or cut line may have lost digits: its words are kept, its numbers are not believed.
  if (said.damaged && e.kind != EventKind::Warn) does = 0;
  if (e.kind == EventKind::Unknown) {
    ++speaker.unrecognised;
    if (is_new_template(m.body)) does |= flag(BlockDigest::Does::Unrecognised);
  }
  const bool warns = m.level == Level::Warn;
  speaker.warns += warns;
  if (warns || (!e.hot && gate_.any(m.body))) does |= flag(BlockDigest::Does::Note);
  if (m.level == Level::Info && m.head && e.kind != EventKind::Unknown &&
      e.kind != EventKind::CollCall) {
    said_before_.remember((does & flag(BlockDigest::Does::Note)) != 0);
  }
  if (does) keep_event(index, does, line, m, said);
}

void Digester::tally(uint32_t index, std::string_view line, bool is_cut) {
  BlockDigest::Speaker& speaker = out_.speakers[index];
  ++out_.nccl_lines;
  ++speaker.nccl_lines;
  speaker.last_nccl = line;
  speaker.last_nccl_line = out_.lines;
  speaker.last_cut = is_cut;
}

void Digester::take_known(std::string_view line) {
  const PlainScanner::KnownMessage& m = scanner_.known();
  const Envelope& said = m.head->envelope;
  const uint32_t speaker = speaker_of(*m.head);
  count(speaker, m, said.label_rank);
  if (m.level == Level::Info && (take_again(speaker, line, m) || take_bulk(speaker, line, m)))
    return;
  if (m.level == Level::Warn && take_warn(speaker, line, m)) return;
  sort_event(speaker, line, m, said);
}

/// A warning that is of no weight for the fold of its process: nearly all are kept for the rules
/// only.
bool Digester::take_warn(uint32_t index, std::string_view line,
                         const PlainScanner::KnownMessage& m) {
  static const LiteralSet weight({"onnect to ", "exceeded "});  // see ProcessFold::wants()
  if (weight.any(m.body)) return false;
  tally(index, line, false);
  ++out_.speakers[index].warns;
  const std::string_view body = scanner_.is_rewritten() ? texts_.emplace_back(m.body) : m.body;
  keep({&m.head->envelope, m.repeated, flag(BlockDigest::Does::Note), m.level, m.time_us, line,
        body, nullptr, notable_hash(body)},
       index, m.head);
  return true;
}

/// The lines that a log is full of. False: it is none of them.
bool Digester::take_bulk(uint32_t index, std::string_view line,
                         const PlainScanner::KnownMessage& m) {
  CallText call;
  const EventKind kind = skim_nccl(m.body, call);
  if (kind == EventKind::Unknown) return false;
  tally(index, line, false);
  if (kind == EventKind::CollCall) {
    add_call(*m.head, read_call(call));
  } else {
    ++out_.speakers[index].bulk;
  }
  if (!m.head->boxed && !scanner_.is_rewritten()) said_alike_.learn(m.text, m.body, kind, call);
  return true;
}

/// From a place in the block to its end.
size_t Digester::bytes_left(const char* place) const {
  return static_cast<size_t>(out_.block.data() + out_.block.size() - place);
}

/// A line that take_bulk() would take, known by its shape. False: it is none, or not known.
/// Shape::kMostBytes must be readable from `text` on, what stands behind the head.
bool Digester::take_alike(const HeadMemo::Entry& head, std::string_view line,
                          std::string_view text) {
  const SaidAlike::Message* known = head.boxed ? nullptr : said_alike_.find(text);
  if (known == nullptr) return false;
  const uint32_t speaker = speaker_of(head);
  count(speaker, {&head, Level::Info, 1, scanner_.time_us(head), {}, {}}, head.envelope.label_rank);
  tally(speaker, line, false);
  if (known->kind == EventKind::CollCall) {
    add_call(head, SaidAlike::call(*known, text));
  } else {
    ++out_.speakers[speaker].bulk;
  }
  return true;
}

/// Word for word what was said before. False: it was not, or is not remembered.
bool Digester::take_again(uint32_t index, std::string_view line,
                          const PlainScanner::KnownMessage& m) {
  const SaidBefore::Message* known = said_before_.find(m.body);
  if (known == nullptr) return false;
  tally(index, line, known->is_cut);
  const Fate fate = kFates[static_cast<size_t>(known->kind)];
  out_.speakers[index].bulk += fate == Fate::Bulk;
  uint8_t does = 0;
  if (fate == Fate::Record && known->is_wanted && !goes_on(index, *m.head, known->run)) {
    does |= flag(BlockDigest::Does::Event);
  }
  if (known->is_noted) does |= flag(BlockDigest::Does::Note);
  if (does) {
    keep({&m.head->envelope, m.repeated, does, m.level, m.time_us, line, known->body, &known->event,
          known->template_hash},
         index, m.head);
  }
  return true;
}

/// Two heads of the same number are the same process to SourceFold: (origin, host, pid, actor).
uint32_t Digester::process_of(const Envelope& head) {
  std::string key(head.origin);
  key.append(1, '\0').append(head.actor).append(1, '\0').append(head.host).append(1, '\0');
  key += std::to_string(head.pid < 0 ? head.actor_pid : head.pid);
  const auto [known, fresh] =
      processes_.emplace(std::move(key), static_cast<uint32_t>(processes_.size()));
  if (fresh) said_.push_back(0);
  return known->second;
}

/// There are few names; where there are many, one may have several indices.
uint32_t Digester::index_of_name(std::string_view name) {
  constexpr size_t kLooked = 32;
  auto& names = out_.call_names;
  const auto end = names.begin() + static_cast<long>(std::min(names.size(), kLooked));
  const auto known =
      std::find_if(names.begin(), end, [&](std::string_view n) { return quick_equal(n, name); });
  if (known != end) return static_cast<uint32_t>(known - names.begin());
  names.push_back(scanner_.is_rewritten() ? texts_.emplace_back(name) : name);
  return static_cast<uint32_t>(names.size() - 1);
}

/// Puts a call into the group of its process and communicator.
void Digester::add_call(const HeadMemo::Entry& entry, const CollectiveCall& call) {
  const HeadAt& head = by_head_[entry.index];
  const auto index = static_cast<uint32_t>(out_.calls.size());
  out_.calls.push_back({call.op_count, call.count, call.datatype, call.op, call.root,
                        index_of_name(call.name), out_.lines, 0});
  OpenCalls& open = open_calls_[mix8(call.comm, head.process) % kOpenCalls];
  const uint64_t since = said_[head.process] + unsure_;
  if (open.comm == call.comm && open.process == head.process && open.since == since) {
    BlockDigest::CallGroup& group = out_.call_groups[open.group];
    out_.calls[group.last].next = index;
    group.last = index;
    ++group.count;
    return;
  }
  open = {call.comm, head.process, static_cast<uint32_t>(out_.call_groups.size()), since};
  out_.records.push_back({BlockDigest::Step::Calls, out_.lines, head.speaker, open.group});
  out_.call_groups.push_back({call.comm, index, index, 1});
}

void Digester::take_loose(std::string_view line) {
  const Envelope& e = scanner_.loose();
  PlainScanner::KnownMessage m{nullptr, e.level, e.repeated, e.time_us, e.body};
  const uint32_t speaker = speaker_of(e);
  count(speaker, m, e.label_rank);
  out_.damaged_lines += e.damaged;
  if (e.level != Level::None) {
    const Envelope* said = store(e);
    m.body = said->body;
    return sort_event(speaker, line, m, *said);
  }
  const TextMarks marks = text_marks(e.body);
  uint8_t does = marks.engine ? flag(BlockDigest::Does::Engine) : 0;
  if (marks.phase) does |= flag(BlockDigest::Does::Phase);
  if (marks.python) does |= flag(BlockDigest::Does::Python);
  if (gate_.any(e.body)) does |= flag(BlockDigest::Does::Note);
  if (!does) return;
  const Envelope* said = store(e);
  m.body = said->body;
  const uint64_t hash = does & flag(BlockDigest::Does::Note) ? notable_hash(m.body) : 0;
  keep({said, m.repeated, does, m.level, m.time_us, line, m.body, nullptr, hash}, speaker, nullptr);
}

}  // namespace rankdx
