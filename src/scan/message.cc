#include "scan/message.h"

#include <algorithm>

#include "base/text.h"
#include "scan/timestamp.h"

namespace rankdx {
namespace {

using std::string_view;
constexpr size_t npos = string_view::npos;

bool is_blank(string_view text) { return std::all_of(text.begin(), text.end(), is_space); }

/// How sure it is who wrote a message.
enum class Place : uint8_t { LineStart, BehindOtherText };

struct Head {
  Wrapped wrapped;
  string_view before;  ///< the rest of another line, glued to the front
  bool whole = false;
};

/// Moves the start of `host` to where a host begins that was seen before. False: there is none.
bool use_known_host(string_view& host, const KnownHosts& hosts) {
  const size_t at = hosts.known_end(host);
  if (at == npos) return false;
  host.remove_prefix(at);
  return true;
}

/// A line can start with a piece of another line's host ("gpu-wgpu-worker-01:214:214 [1] NCCL").
bool has_other_hosts_start(string_view host, const KnownHosts& hosts) {
  if (hosts.knows(host)) return false;
  const size_t at = hosts.known_end(host);
  return at != npos && hosts.starts_a_host(host.substr(0, at));
}

/// What the wrappers said, for other text of the same line.
Wrapped without_ids(Wrapped wrapped) {
  Envelope& e = wrapped.envelope;
  e.host = e.file = e.func = {};
  e.pid = e.tid = e.cuda_dev = -1;
  e.writer = kNoWriter;
  return wrapped;
}

/// Reads what stands before the host. `outer`: the wrappers of the line's first message.
Head read_head(string_view text, const Prefix& prefix, Place place, const Wrapped& outer,
               SourceMemory& memory) {
  Head head{outer, {}, false};
  string_view host = prefix.host;
  const size_t host_end = prefix.begin + host.size();
  size_t at = peel_wrappers(text.substr(0, host_end), head.wrapped);
  if (at > prefix.begin && at < host_end) host.remove_prefix(at - prefix.begin);
  const size_t host_begin = host_end - host.size();
  string_view left = text.substr(std::min(at, host_begin), host_begin - std::min(at, host_begin));
  left.remove_prefix(peel_before_prefix(left, head.wrapped));
  const bool known_place = place == Place::LineStart && (is_blank(left) || is_foreign_mark(left));
  const bool clean = known_place && !has_other_hosts_start(host, memory.hosts);
  Envelope& e = head.wrapped.envelope;
  e.file = prefix.file;
  e.func = prefix.func;
  e.cuda_dev = prefix.cuda_dev;
  if (!clean) {
    const bool known = use_known_host(host, memory.hosts);
    if (place == Place::LineStart) {
      const size_t end = known ? host.data() - text.data() : host_begin;
      head.before = text.substr(left.data() - text.data(), end - (left.data() - text.data()));
    }
    if (!known) return head;
  }
  e.host = host;
  e.pid = prefix.pid;
  e.tid = prefix.tid;
  e.writer = memory.writers.number(e);
  if (clean) memory.hosts.learn(host);
  head.whole = clean;
  return head;
}

/// A banner, or a message whose prefix has lost its ids.
void read_loose_message(Envelope& e) {
  if (is_banner(e.body)) {
    e.level = Level::Version;
  } else if (const auto prefix = parse_cut_prefix(e.body)) {
    e.level = prefix->level;
    e.file = prefix->file;
    e.func = prefix->func;
    e.cuda_dev = prefix->cuda_dev;
    e.body = e.body.substr(prefix->text);
    e.damaged = true;
  }
}

/// Where a banner that ends the text begins behind blanks or an unknown label that ends with a
/// sign:
/// "> ", "2026-03-19 10:11:12.345 | ", "I1126 10:00:00 logs.go:31] ". 0 when there is none.
size_t peel_unknown_label(string_view text) {
  constexpr string_view kStart = "NCCL version ", kSigns = ">|]";
  const size_t at = text.rfind(kStart);
  if (at == npos || !is_banner(text.substr(at))) return 0;
  const string_view version = text.substr(at + kStart.size());
  if (version.find("+cuda") == npos || version.find(' ') != npos) return 0;
  const size_t label_end = text.substr(0, at).find_last_not_of(' ');
  const bool is_label = label_end == npos || kSigns.find(text[label_end]) != npos;
  return is_label ? at : 0;
}

/// Where a banner begins behind labels that stand before nothing else of NCCL; 0 when it is none.
size_t peel_before_banner(string_view text, Wrapped& wrapped) {
  Wrapped labelled = wrapped;
  const size_t label = peel_grep_label(text, labelled);
  if (label == 0) return peel_unknown_label(text);
  const size_t at = label + peel_wrappers(text.substr(label), labelled);
  if (!is_banner(text.substr(at))) return 0;
  wrapped = labelled;
  return at;
}

/// NCCL's own time in front of a host at `begin`: where it starts.
size_t include_stamp(string_view text, size_t begin) {
  if (begin < 2 || text[begin - 1] != ' ' || text[begin - 2] != ']') return begin;
  constexpr size_t kLongest = 48;
  const size_t from = begin - std::min(begin, kLongest);
  const size_t in_reach = text.substr(from, begin - from).rfind('[');
  if (in_reach == npos) return begin;
  const size_t open = from + in_reach;
  const auto stamp = parse_stamp(text.substr(open + 1));
  return stamp && open + 1 + stamp->size == begin - 2 ? open : begin;
}

}  // namespace

void LineOutput::deliver(Envelope& message) {
  message.damaged |= text_damaged;
  damaged |= message.damaged;
  if (message.level != Level::None) ++counts.nccl_lines;
  sink.on_message(message, line);
}

void trim_body(Envelope& message, bool boxed) {
  if (boxed) peel_box_end(message.body);
  if (!message.body.empty() && (message.body.back() == ']' || message.body.back() == ')')) {
    message.repeated = peel_repeated(message.body);
  }
}

size_t glued_at(string_view text, size_t nccl, const KnownHosts& hosts) {
  const auto prefix = find_prefix(text, nccl);
  if (!prefix) return text.size();
  string_view host = prefix->host;
  use_known_host(host, hosts);
  return include_stamp(text, prefix->begin + prefix->host.size() - host.size());
}

void emit_text(string_view text, const Wrapped& outer, Speaks speaks, Cut cut, LineOutput& out) {
  Wrapped wrapped = outer;
  string_view rest = text.substr(peel_wrappers(text, wrapped));
  if (is_blank(rest)) return;
  if (speaks == Speaks::Perhaps) rest.remove_prefix(peel_before_banner(rest, wrapped));
  read_time_of_text(rest, wrapped);
  Envelope& e = wrapped.envelope;
  e.body = rest;
  e.damaged = cut == Cut::Yes;
  trim_body(e, wrapped.boxed);
  if (is_blank(e.body)) return;
  if (speaks == Speaks::Perhaps) read_loose_message(e);
  out.deliver(e);
}

std::optional<WholeHead> read_whole_head(string_view text, size_t nccl) {
  const auto prefix = parse_prefix(text, nccl);
  if (!prefix) return std::nullopt;
  SourceMemory nothing;
  Head head = read_head(text, *prefix, Place::LineStart, {}, nothing);
  if (!head.whole) return std::nullopt;
  head.wrapped.envelope.writer = kNoWriter;
  return WholeHead{nccl, head.wrapped.envelope, head.wrapped.time_at, head.wrapped.boxed};
}

std::optional<WholeHead> emit_messages(string_view text, size_t nccl, SourceMemory& memory,
                                       LineOutput& out) {
  std::optional<WholeHead> first;
  Wrapped outer;
  Place place = Place::LineStart;
  for (;;) {
    const auto prefix = find_prefix(text, nccl);
    if (!prefix) {
      emit_text(text, outer, Speaks::Perhaps, place == Place::LineStart ? Cut::No : Cut::Yes, out);
      return first;
    }
    Head head = read_head(text, *prefix, place, outer, memory);
    if (!is_blank(head.before)) {
      emit_text(head.before, without_ids(head.wrapped), Speaks::Perhaps, Cut::Yes, out);
    }
    Envelope e = head.wrapped.envelope;
    if (head.whole) first = WholeHead{prefix->nccl, e, head.wrapped.time_at, head.wrapped.boxed};
    const string_view rest = text.substr(prefix->text);
    const size_t next = glued_at(rest, rest.find("NCCL "), memory.hosts);
    e.level = prefix->level;
    e.body = rest.substr(0, next);
    e.damaged = !head.whole || next < rest.size();
    trim_body(e, head.wrapped.boxed);
    out.deliver(e);
    if (next == rest.size()) return first;
    text = rest.substr(next);
    nccl = text.find("NCCL ");
    place = Place::BehindOtherText;
    outer = without_ids(head.wrapped);
  }
}

}  // namespace rankdx
