#include "scan/clean.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/text.h"
#include "scan/wrapper.h"

namespace rankdx {
namespace {

using std::string_view;
constexpr char kEscape = '\x1b', kBell = '\a';
constexpr string_view kByteOrderMark = "\xEF\xBB\xBF";

bool between(char c, int low, int high) {
  const int byte = static_cast<unsigned char>(c);
  return byte >= low && byte <= high;
}

size_t skip_while(string_view text, size_t at, int low, int high) {
  while (at < text.size() && between(text[at], low, high)) ++at;
  return at;
}

/// End of the title or command string behind ESC ']' and the like: BEL or ESC '\'.
size_t end_of_string(string_view text, size_t at) {
  constexpr size_t kMaxTitle = 256;  // without an end in reach it was no such string
  const size_t end = std::min(text.size(), at + kMaxTitle);
  for (size_t i = at; i < end; ++i) {
    if (text[i] == kBell) return i + 1;
    if (text[i] == kEscape) return i + (i + 1 < text.size() && text[i + 1] == '\\' ? 2 : 0);
  }
  return at;
}

/// End of the sequence whose ESC stands at `at` (ECMA-48).
size_t end_of_escape(string_view text, size_t at) {
  if (++at == text.size()) return at;
  if (text[at] == '[') {
    at = skip_while(text, at + 1, 0x30, 0x3f);
    at = skip_while(text, at, 0x20, 0x2f);
    return at < text.size() && between(text[at], 0x40, 0x7e) ? at + 1 : at;
  }
  if (string_view("]PX^_").find(text[at]) != string_view::npos) return end_of_string(text, at + 1);
  at = skip_while(text, at, 0x20, 0x2f);
  return at < text.size() && between(text[at], 0x30, 0x7e) ? at + 1 : at;
}

/// Bytes of the UTF-8 character at the start of `text`, 0 if it is none.
size_t utf8_size(string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const int lead = byte(0);
  const size_t size = lead < 0x80   ? 1
                      : lead < 0xc2 ? 0
                      : lead < 0xe0 ? 2
                      : lead < 0xf0 ? 3
                      : lead < 0xf5 ? 4
                                    : 0;
  if (size > text.size()) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and what lies beyond U+10FFFF.
  if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f)) return 0;
  if ((lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f)) return 0;
  return size;
}

constexpr size_t kWord = 8;

bool starts_with_ascii(string_view text) {
  uint64_t bytes;
  if (text.size() < kWord) return false;
  std::memcpy(&bytes, text.data(), kWord);
  return (bytes & 0x8080808080808080ULL) == 0;
}

bool is_blank(string_view text) { return std::all_of(text.begin(), text.end(), is_space); }

}  // namespace

bool is_utf8(string_view text) {
  while (!text.empty()) {
    if (starts_with_ascii(text)) {
      text.remove_prefix(kWord);
      continue;
    }
    const size_t size = utf8_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

void strip_escapes(string_view line, std::string& out) {
  for (size_t at = 0; at < line.size();) {
    const size_t escape = std::min(line.find(kEscape, at), line.size());
    out.append(line, at, escape - at);
    at = escape < line.size() ? end_of_escape(line, escape) : escape;
  }
}

CleanLine clean_line(string_view line, std::string& scratch) {
  CleanLine clean;
  if (line.find(kEscape) != string_view::npos) {
    scratch.clear();
    strip_escapes(line, scratch);
    line = scratch;
  }
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  const bool has_nul = line.find('\0') != string_view::npos;
  while (!line.empty() && line.front() == '\0') line.remove_prefix(1);
  while (!line.empty() && (line.back() == '\0' || line.back() == '\r')) line.remove_suffix(1);
  clean.text = line;
  clean.has_returns = line.find('\r') != string_view::npos;
  clean.text_damaged = (has_nul && line.find('\0') != string_view::npos) || !is_utf8(line);
  clean.damaged = has_nul || clean.text_damaged;
  return clean;
}

void for_each_visible_part(string_view text, const std::function<void(string_view)>& use) {
  Wrapped ignored;
  const size_t wrappers = peel_wrappers(text.substr(0, text.find('\r')), ignored);
  std::string part(text.substr(0, wrappers));
  auto hand_on = [&](string_view shown) {
    part.replace(wrappers, part.npos, shown);
    use(part);
  };
  string_view last, rest = text.substr(wrappers);
  while (!rest.empty()) {
    const string_view next = take_until(rest, '\r', rest);
    if (is_blank(next)) continue;
    if (last.find("NCCL ") != string_view::npos) hand_on(last);
    last = next;
  }
  hand_on(last);
}

}  // namespace rankdx
