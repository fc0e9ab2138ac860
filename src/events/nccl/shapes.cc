// Messages whose first words vary: recognised by what follows them.
#include "events/nccl/parsers.h"

namespace rankdx::nccl {
namespace {

/// "misc/socket.cc:570" as "misc/socket.cc".
bool split_place(std::string_view word, std::string_view& file) {
  size_t digits = word.size();
  while (digits > 0 && is_digit(word[digits - 1])) --digits;
  if (digits == word.size() || digits < 2 || word[digits - 1] != ':') return false;
  file = word.substr(0, digits - 1);
  // "<unknown>" when an external plugin passes no file (2.30.7).
  return file.find('.') != std::string_view::npos || file == "<unknown>";
}

/// "misc/socket.cc:570 -> 2", "alloc.h:55 Cuda Alloc Size 4096 pointer 0x…", 2.30.7
/// "misc/socket.cc:570 (socketWait) -> 2".
bool parse_behind_place(Cursor at, Event& event, int depth) {
  std::string_view file, func;
  if (!take_place(at, file, func)) return false;
  if (!parse_backtrace(at, event)) {
    event = Event{};
    if (!parse_message(at.rest(), event, depth + 1)) return false;
  }
  event.file = file;
  if (!func.empty()) event.func = func;
  return true;
}

/// "24 coll channels, …", "4096 Bytes -> Algo 1 …", "10 : NET/0 GPU/0 GPU/1 NET/0" (channels of a
/// pattern).
bool parse_number_first(Cursor at, Event& event) {
  if (parse_channel_count(at, event)) return true;
  event = Event{};
  if (parse_algorithm_numbers(at, event)) return true;
  event = Event{};
  event.kind = EventKind::Other;
  int channel = 0;
  return at.take_int(channel) && at.take(" : ");
}

/// The machine as a tree ("    + PCI[12.0] - GPU/0-1b000 (0)"), channels of a pattern, the table of
/// the tuning model.
bool parse_indented(Cursor at, Event& event) {
  at.skip_blanks();
  const std::string_view rest = at.rest();
  if (rest.starts_with("+ ")) {
    event.kind = EventKind::SystemLine;
    event.text = at.body();
    return true;
  }
  if (rest.empty()) return false;
  if (is_digit(rest.front())) return parse_number_first(Cursor(rest), event);
  event.kind = EventKind::Other;
  return rest.find(" |") != std::string_view::npos;
}

bool parse_plugin_note(std::string_view word, Cursor at, Event& event) {
  constexpr std::string_view kPlugin = "/Plugin";
  if (word.ends_with(':')) word.remove_suffix(1);
  if (!word.ends_with(kPlugin)) return false;
  at.take(": ");
  event.kind = EventKind::PluginNote;
  event.name = word.substr(0, word.size() - kPlugin.size());
  event.value = trim(at.rest());
  return true;
}

}  // namespace

bool take_place(Cursor& at, std::string_view& file, std::string_view& func) {
  Cursor behind = at;
  if (!split_place(behind.take_word(), file)) return false;
  if (behind.take("(")) {
    // __func__ holds no blank, but may hold brackets: "(operator())".
    const std::string_view word = behind.take_word();
    if (!word.ends_with(')')) return false;
    func = word.substr(0, word.size() - 1);
  }
  at = behind;
  return true;
}

bool parse_by_shape(std::string_view body, Event& event, int depth) {
  if (body.empty()) return false;
  const char first = body.front();
  if (first == ' ' || first == '+') return parse_indented(Cursor(body), event);
  if (is_digit(first)) return parse_number_first(Cursor(body), event);
  Cursor at(body);
  const std::string_view word = at.take_word();
  if (is_digit(word.back())) return parse_behind_place(Cursor(body), event, depth);
  if (at.rest().starts_with("comm 0x")) return parse_comm(Cursor(body), event);
  if (parse_plugin_note(word, at, event)) return true;
  if (!word.ends_with(':') && !at.rest().starts_with('[')) return false;
  if (at.rest().starts_with("connect ")) return parse_retry(Cursor(body), event);
  event.kind = EventKind::CollCall;
  return parse_operation(Cursor(body), event);
}

}  // namespace rankdx::nccl
