#include "scan/wrapper.h"

#include <array>
#include <bit>
#include <utility>

#include "base/text.h"
#include "scan/timestamp.h"

namespace rankdx {
namespace {

using std::string_view;
constexpr size_t npos = string_view::npos;
constexpr size_t kMaxName = 253;  // a DNS name
constexpr size_t kMaxMark = 320;  // a whole "(actor ...)" or "[pod/...]"
constexpr int kMaxWrappers = 12;
constexpr string_view kBar = "\u2502";

constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_name(char c) {
  return is_digit(c) || is_lower(c) || is_upper(c) || c == '-' || c == '_' || c == '.';
}

template <class Is>
size_t run(string_view text, size_t from, Is is) {
  while (from < text.size() && is(text[from])) ++from;
  return from;
}

size_t name_at(string_view text, size_t from) {
  return run(text.substr(0, from + kMaxName + 1), from, is_name);
}
size_t digits_at(string_view text, size_t from) { return run(text, from, is_digit); }

/// `from`, or the place behind one blank there.
size_t skip_blank(string_view text, size_t from) {
  return from < text.size() && (text[from] == ' ' || text[from] == '\t') ? from + 1 : from;
}

int number(string_view digits) { return parse_int<int>(digits).value_or(-1); }

void set_time(const Stamp& stamp, const char* at, Wrapped& out) {
  if (out.zoned && !stamp.zoned) return;
  out.envelope.time_us = stamp.time_us;
  out.time_at = at;
  out.zoned = stamp.zoned;
}

/// The inside of "[...]" or "(...)" at the start of `text`; "" without an end within kMaxMark.
string_view bracketed(string_view text, char close) {
  const size_t end = text.substr(0, kMaxMark).find(close);
  return end == npos || end == 0 ? string_view{} : text.substr(1, end - 1);
}

// Each of these returns the bytes that its wrapper takes at the start of `text`, 0 when it is not
// there.

size_t kubectl_pod(string_view text, Wrapped& out) {  // [pod/name/container]
  constexpr string_view start = "[pod/";
  if (!text.starts_with(start)) return 0;
  const string_view inside = bracketed(text, ']');
  const string_view names = inside.substr(std::min(inside.size(), start.size() - 1));
  if (names.find('/') == npos || names.find(' ') != npos) return 0;
  out.envelope.origin = names;
  return skip_blank(text, inside.size() + 2);
}

size_t rank_label(string_view text, Wrapped& out) {  // [rank3]: [default0]: [0]:
  const string_view inside = bracketed(text.substr(0, 40), ']');
  const size_t end = inside.size() + 2;
  if (inside.empty() || end >= text.size() || text[end] != ':') return 0;
  const size_t digits =
      run(inside, 0, [](char c) { return is_lower(c) || is_upper(c) || c == '_'; });
  if (digits == inside.size() || digits_at(inside, digits) != inside.size()) return 0;
  if (inside.substr(0, digits) == "rank") out.envelope.label_rank = number(inside.substr(digits));
  return skip_blank(text, end + 1);
}

size_t mpi_label(string_view text, Wrapped& out) {  // [1,3]<stdout>:
  const string_view inside = bracketed(text.substr(0, 128), ']');
  const size_t comma = inside.rfind(',');
  if (comma == npos || digits_at(inside, comma + 1) != inside.size()) return 0;
  const string_view rest = text.substr(inside.size() + 2);
  const size_t end = rest.substr(0, 16).find(">:");
  if (!rest.starts_with("<std") || end == npos) return 0;
  out.envelope.label_rank = number(inside.substr(comma + 1));
  return skip_blank(text, inside.size() + 2 + end + 2);
}

size_t bracketed_stamp(string_view text, Wrapped& out) {  // [2026-03-19 19:40:08]
  if (text.size() < 2 || !is_digit(text[1])) return 0;
  const auto stamp = parse_stamp(text.substr(1));
  const size_t end = stamp ? stamp->size + 1 : 0;
  if (!stamp || end >= text.size() || text[end] != ']') return 0;
  set_time(*stamp, &text[1], out);
  out.stamped = true;
  return skip_blank(text, end + 1);
}

size_t iso_stamp(string_view text, Wrapped& out) {  // 2026-03-19T19:40:08.123456789Z
  if (text.size() < 11 || text[10] != 'T') return 0;
  const auto stamp = parse_stamp(text);
  if (!stamp || (stamp->size < text.size() && !is_space(text[stamp->size]))) return 0;
  set_time(*stamp, text.data(), out);
  out.stamped = true;
  return skip_blank(text, stamp->size);
}

size_t syslog_stamp(string_view text, Wrapped& out) {  // Nov 24 13:12:01 (no year: no time)
  constexpr string_view months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";
  constexpr string_view shape = "Nov 24 13:12:01";
  if (text.size() <= shape.size() || text[3] != ' ' || text[6] != ' ' || text[9] != ':' ||
      text[12] != ':' || months.find(text.substr(0, 4)) % 4 != 0) {
    return 0;
  }
  for (size_t i : {5, 7, 8, 10, 11, 13, 14}) {
    if (!is_digit(text[i])) return 0;
  }
  size_t end = shape.size();
  if (text[end] == '.') end = digits_at(text, end + 1);
  if (end == text.size() || text[end] != ' ') return 0;
  out.stamped = true;
  return end + 1;
}

size_t syslog_unit(string_view text, Wrapped& out) {  // host unit[pid]: (behind a time)
  const size_t host = name_at(text, 0);
  if (host == 0 || host >= text.size() || text[host] != ' ') return 0;
  size_t end = name_at(text, host + 1);
  const string_view unit = text.substr(host + 1, end - host - 1);
  if (unit.empty() || end >= text.size()) return 0;
  if (text[end] == '[') {
    const size_t digits = end + 1;
    end = digits_at(text, digits);
    if (end == digits || end >= text.size() || text[end++] != ']') return 0;
  } else if (unit != "kernel") {
    return 0;
  }
  if (end >= text.size() || text[end] != ':') return 0;
  out.envelope.origin = unit;
  return skip_blank(text, end + 1);
}

size_t cri_stream(string_view text, Wrapped&) {  // "stdout F " of /var/log/pods (behind a time)
  if (!text.starts_with("stdout ") && !text.starts_with("stderr ")) return 0;
  if (text.size() < 8 || (text[7] != 'F' && text[7] != 'P')) return 0;
  if (text.size() > 8 && text[8] != ' ') return 0;
  return skip_blank(text, 8);
}

/// "(Worker_TP0 pid=7)", "(RayWorkerWrapper pid=248, ip=10.1.160.68)", "(pid=9)", "(VllmWorker
/// rank=0 pid=3)".
size_t actor(string_view text, Wrapped& out) {
  const string_view inside = bracketed(text, ')');
  auto in_word = [](char c) { return c != ' ' && c != ','; };
  size_t name = run(inside, 0, in_word), key = name + 1;
  if (inside.starts_with("pid=")) name = key = 0;
  while (key < inside.size() && !inside.substr(key).starts_with("pid=")) {
    key = run(inside, key, in_word) + 1;
  }
  if (key >= inside.size()) return 0;
  const size_t digits = key + 4, end = digits_at(inside, digits);
  const int pid = number(inside.substr(digits, end - digits));
  if (pid < 0 || (end < inside.size() && in_word(inside[end]))) return 0;
  out.envelope.actor = inside.substr(0, name);
  out.envelope.actor_pid = pid;
  out.envelope.actor_ip = {};
  constexpr string_view address = ", ip=";
  if (inside.substr(end).starts_with(address)) {
    const size_t ip = end + address.size();
    out.envelope.actor_ip = inside.substr(ip, run(inside, ip, in_word) - ip);
  }
  return skip_blank(text, inside.size() + 2);
}

size_t slurm_label(string_view text, Wrapped& out) {  // "3: ", " 3: "
  const size_t from = run(text.substr(0, 6), 0, [](char c) { return c == ' '; });
  const size_t end = digits_at(text, from);
  if (end == from || end - from > 6 || end + 1 >= text.size()) return 0;
  if (text[end] != ':' || text[end + 1] != ' ') return 0;
  out.envelope.label_rank = number(text.substr(from, end - from));
  return end + 2;
}

size_t line_number(string_view text, Wrapped&) {  // "    12\t" of cat -n
  const size_t from = run(text.substr(0, 6), 0, [](char c) { return c == ' '; });
  const size_t end = digits_at(text, from);
  return end > from && end < text.size() && text[end] == '\t' ? end + 1 : 0;
}

size_t ip_label(string_view text, Wrapped& out) {  // 10.10.45.86:
  size_t end = 0;
  for (int part = 0; part < 4; ++part) {
    if (part && (end >= text.size() || text[end++] != '.')) return 0;
    const size_t from = end;
    end = digits_at(text, from);
    if (end == from || end - from > 3) return 0;
  }
  if (end + 1 >= text.size() || text[end] != ':' || text[end + 1] != ' ') return 0;
  out.envelope.origin = text.substr(0, end);
  return end + 2;
}

/// "name  | ": compose pads with two blanks at least, except for the numbered name of a replica.
size_t compose_service(string_view text, Wrapped& out) {
  const size_t name = name_at(text, 0);
  const size_t bar = run(text, name, [](char c) { return c == ' '; });
  if (name == 0 || bar == name || bar >= text.size() || text[bar] != '|') return 0;
  if (bar + 1 < text.size() && text[bar + 1] != ' ') return 0;
  const bool numbered =
      name > 2 && is_digit(text[name - 1]) && (text[name - 2] == '-' || text[name - 2] == '_');
  if (bar - name < 2 && !numbered) return 0;
  out.envelope.origin = text.substr(0, name);
  return skip_blank(text, bar + 1);
}

bool is_kubernetes_name(string_view name) {
  auto allowed = [](char c) { return is_digit(c) || is_lower(c) || c == '-' || c == '.'; };
  return !name.empty() && run(name, 0, allowed) == name.size() && name.front() != '-' &&
         name.back() != '-';
}

/// Ends like a pod of a stateful set ("-0") or of a deployment ("-5d4f8c7b9-x2v7k").
bool is_pod_name(string_view name) {
  const size_t dash = name.rfind('-');
  if (dash == npos || !is_kubernetes_name(name)) return false;
  const string_view tail = name.substr(dash + 1);
  if (tail.size() <= 3) return digits_at(tail, 0) == tail.size();
  const size_t before = name.substr(0, dash).rfind('-');
  const size_t hash = before == npos ? 0 : dash - before - 1;
  return tail.size() == 5 && hash >= 6 && hash <= 10 &&
         name.substr(before, hash + 1).find_first_of("0123456789") != npos;
}

size_t stern_pod(string_view text,
                 Wrapped& out) {  // "pod container " before what a log line starts with
  const size_t pod = name_at(text, 0);
  if (pod >= text.size() || text[pod] != ' ' || !is_pod_name(text.substr(0, pod))) return 0;
  const size_t end = name_at(text, pod + 1);
  if (end >= text.size() || text[end] != ' ' ||
      !is_kubernetes_name(text.substr(pod + 1, end - pod - 1)))
    return 0;
  const char next = end + 1 < text.size() ? text[end + 1] : '[';
  if (!is_upper(next) && !is_digit(next) && next != '[' && next != '(' && next != ' ') return 0;
  out.envelope.origin = text.substr(0, end);
  return end + 1;
}

size_t box_bar(string_view text, Wrapped& out) {  // k9s
  if (!text.starts_with(kBar)) return 0;
  out.boxed = true;
  return skip_blank(text, kBar.size());
}

/// Colour that lost its escape byte on the way: "[36m", "ESC[0m", "^[[0m", "\x1b[36m".
size_t colour_text(string_view text, Wrapped&) {
  constexpr std::array<string_view, 6> starts = {"[",      "ESC[",   "^[[",
                                                 "\\x1b[", "\\033[", "\\u001b["};
  for (string_view start : starts) {
    if (!text.starts_with(start)) continue;
    const size_t end = run(text, start.size(), [](char c) { return is_digit(c) || c == ';'; });
    if (end == start.size() || end - start.size() > 12 || end >= text.size() || text[end] != 'm')
      return 0;
    return skip_blank(text, end + 1);
  }
  return 0;
}

struct Kind {
  string_view first;  ///< bytes it can start with; "a" stands for any character of a name
  size_t (*peel)(string_view, Wrapped&);
  bool after_time = false;
};

constexpr Kind kKinds[] = {
    {"[", kubectl_pod},
    {"[", rank_label},
    {"[", mpi_label},
    {"[", bracketed_stamp},
    {"[E^\\", colour_text},
    {"(", actor},
    {"0123456789", iso_stamp},
    {" 0123456789", slurm_label},
    {" 0123456789", line_number},
    {"0123456789", ip_label},
    {"ADFJMNOS", syslog_stamp},
    {"s", cri_stream, true},
    {"a", syslog_unit, true},
    {"a", compose_service},
    {"a", stern_pod},
    {"\xE2", box_bar},
};

constexpr std::array<uint16_t, 256> kKindsOf = [] {
  std::array<uint16_t, 256> table{};
  for (size_t kind = 0; kind < std::size(kKinds); ++kind) {
    for (int c = 0; c < 256; ++c) {
      const char ch = static_cast<char>(c);
      const bool starts =
          kKinds[kind].first == "a" ? is_name(ch) : kKinds[kind].first.find(ch) != npos;
      if (starts) table[c] |= uint16_t{1} << kind;
    }
  }
  return table;
}();
static_assert(std::size(kKinds) <= 16);

size_t peel_one(string_view text, Wrapped& out) {
  const bool stamped = std::exchange(out.stamped, false);
  for (unsigned kinds = kKindsOf[static_cast<unsigned char>(text[0])]; kinds; kinds &= kinds - 1) {
    const Kind& kind = kKinds[std::countr_zero(kinds)];
    if (kind.after_time && !stamped) continue;
    if (const size_t size = kind.peel(text, out)) return size;
  }
  return 0;
}

size_t host_label(string_view text, Wrapped& out) {  // "gpu-v01: "
  const size_t end = name_at(text, 0);
  if (end == 0 || end + 1 >= text.size() || text[end] != ':' || text[end + 1] != ' ') return 0;
  if (text.substr(0, end).find_first_of("0123456789-.") == npos) return 0;
  out.envelope.origin = text.substr(0, end);
  return end + 2;
}

size_t bare_number(string_view text, Wrapped&) {  // "[0] ": MPICH and others
  if (text[0] != '[') return 0;
  const size_t end = digits_at(text, 1);
  return end > 1 && text.substr(end).starts_with("] ") ? end + 2 : 0;
}

size_t plain_stamp(string_view text, Wrapped& out) {  // "2025-03-18 21:25:51 "
  const auto stamp = parse_stamp(text);
  if (!stamp || stamp->size >= text.size() || text[stamp->size] != ' ') return 0;
  set_time(*stamp, text.data(), out);
  return stamp->size + 1;
}

size_t two_names(string_view text, Wrapped& out) {  // stern, if nothing else is left
  const size_t pod = name_at(text, 0);
  if (pod == 0 || pod >= text.size() || text[pod] != ' ') return 0;
  const size_t end = name_at(text, pod + 1);
  if (end + 1 != text.size() || text[end] != ' ') return 0;
  const string_view name = text.substr(0, pod);
  if (!is_kubernetes_name(name) || !is_kubernetes_name(text.substr(pod + 1, end - pod - 1)))
    return 0;
  if (name.find_first_of("-0123456789") == npos) return 0;
  out.envelope.origin = text.substr(0, end);
  return end + 1;
}

size_t grep_label(string_view text, Wrapped& out) {  // "logs/rank0.log:12:", "rank0.log:", "12:"
  const size_t name = run(text, 0, [](char c) { return is_name(c) || c == '/'; });
  if (name == 0 || name >= text.size() || text[name] != ':') return 0;
  const size_t number = digits_at(text, name + 1);
  const bool numbered = number > name + 1 && number < text.size() && text[number] == ':';
  const string_view file = text.substr(0, name);
  if (digits_at(file, 0) == name) return numbered ? 0 : name + 1;
  if (file.find_first_of("./") == npos) return 0;
  out.envelope.origin = file;
  return (numbered ? number : name) + 1;
}

constexpr size_t (*kBeforePrefix[])(string_view, Wrapped&) = {host_label, bare_number, plain_stamp,
                                                              two_names, grep_label};

size_t peel_one_before_prefix(string_view head, Wrapped& out) {
  for (auto peel : kBeforePrefix) {
    if (const size_t size = peel(head, out)) return size;
  }
  return peel_one(head, out);
}

/// "gpu-worker-02:250:250": what is left of an NCCL line that was cut behind its ids.
bool has_ids(string_view head) {
  for (size_t colon = head.find(':'); colon != npos; colon = head.find(':', colon + 1)) {
    const size_t pid = digits_at(head, colon + 1);
    if (pid == colon + 1 || pid >= head.size() || head[pid] != ':') continue;
    if (digits_at(head, pid + 1) == pid + 1) continue;
    size_t word = colon;
    while (word && head[word - 1] != ' ' && head[word - 1] != '[') --word;
    const string_view first = head.substr(word, colon - word);  // two digits: an hour
    if (!(first.size() <= 2 && digits_at(first, 0) == first.size())) return true;
  }
  return false;
}

}  // namespace

size_t peel_wrappers(string_view line, Wrapped& out) {
  size_t at = 0;
  for (int i = 0; i < kMaxWrappers && at < line.size(); ++i) {
    const size_t size = peel_one(line.substr(at), out);
    if (size == 0) break;
    at += size;
  }
  out.stamped = false;
  return at;
}

size_t peel_grep_label(string_view line, Wrapped& out) { return grep_label(line, out); }

size_t peel_before_prefix(string_view head, Wrapped& out) {
  size_t at = 0;
  for (int i = 0; i < kMaxWrappers && at < head.size(); ++i) {
    const size_t size = peel_one_before_prefix(head.substr(at), out);
    if (size == 0) break;
    at += size;
  }
  out.stamped = false;
  return at;
}

bool is_foreign_mark(string_view head) {
  constexpr size_t kMaxForeign = 160;
  if (head.size() < 2 || head.size() > kMaxForeign || head.back() != ' ') return false;
  const char end = trim(head).empty() ? ' ' : trim(head).back();
  return string_view("]>|:)}-").find(end) != npos && head.find("NCCL") == npos && !has_ids(head);
}

void read_time_of_text(string_view text, Wrapped& out) {
  if (out.time_at || text.empty()) return;
  if (text[0] == '[') text.remove_prefix(1);
  if (text.empty() || !is_digit(text[0])) return;
  if (const auto stamp = parse_stamp(text)) set_time(*stamp, text.data(), out);
}

uint32_t peel_repeated(string_view& text) {
  constexpr string_view start = "[repeated ", end = "x across cluster]", hint = "options.)";
  if (!text.ends_with(end) && !text.ends_with(hint)) return 1;
  const size_t at = text.rfind(start);
  if (at == npos) return 1;
  const size_t digits = at + start.size(), stop = digits_at(text, digits);
  const auto count = parse_int<uint32_t>(text.substr(digits, stop - digits));
  if (!count || *count == 0 || !text.substr(stop).starts_with(end)) return 1;
  text = text.substr(0, at);
  if (text.ends_with(' ')) text.remove_suffix(1);
  Wrapped ignored;
  const size_t colour = text.size() - std::min<size_t>(text.size(), 12);
  const size_t escape = text.find("ESC[", colour);
  if (escape != npos && escape + colour_text(text.substr(escape), ignored) == text.size())
    text = text.substr(0, escape);
  return *count;
}

void peel_box_end(string_view& text) {
  auto drop_blanks = [&] {
    while (text.ends_with(' ')) text.remove_suffix(1);
  };
  drop_blanks();
  if (text.ends_with(kBar)) text.remove_suffix(kBar.size());
  drop_blanks();
}

}  // namespace rankdx
