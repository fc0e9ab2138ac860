#include "present/safe_text.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>

namespace rankdx {
namespace {

struct Decoded {
  uint32_t code = 0;
  size_t length = 1;
  bool valid = false;
};

/// One UTF-8 sequence (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
Decoded decode(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned b0 = byte(0);
  if (b0 < 0x80) return {b0, 1, true};
  const size_t length = b0 >= 0xf0 ? 4 : b0 >= 0xe0 ? 3 : 2;
  if (b0 < 0xc2 || b0 > 0xf4 || text.size() < length) return {};
  uint32_t code = b0 & (0xff >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[length] || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return {};
  return {code, length, true};
}

struct Range {
  uint32_t first, last;
};

template <size_t N>
bool in(const std::array<Range, N>& ranges, uint32_t code) {
  for (const Range& r : ranges) {
    if (code >= r.first && code <= r.last) return true;
  }
  return false;
}

// C1 controls, direction controls, line and paragraph separators, the byte order mark, and two that
// XML forbids.
constexpr std::array<Range, 7> kUnsafe = {{{0x80, 0x9f},
                                           {0x61c, 0x61c},
                                           {0x200e, 0x200f},
                                           {0x2028, 0x202e},
                                           {0x2066, 0x2069},
                                           {0xfeff, 0xfeff},
                                           {0xfffe, 0xffff}}};
// Unicode 15 East Asian Width W and F, coarse.
constexpr std::array<Range, 9> kWide = {{{0x1100, 0x115f},
                                         {0x2e80, 0x303e},
                                         {0x3041, 0xa4cf},
                                         {0xac00, 0xd7a3},
                                         {0xf900, 0xfaff},
                                         {0xfe30, 0xfe6f},
                                         {0xff00, 0xff60},
                                         {0x1f300, 0x1f9ff},
                                         {0x20000, 0x3fffd}}};
constexpr std::array<Range, 4> kNoWidth = {
    {{0x300, 0x36f}, {0x200b, 0x200d}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}}};

size_t width_of(uint32_t code) { return in(kNoWidth, code) ? 0 : in(kWide, code) ? 2 : 1; }

}  // namespace

std::string safe_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Decoded d = decode(text);
    if (!d.valid) {
      out += "\xef\xbf\xbd";
    } else if (d.code == '\t') {
      out += ' ';
    } else if (d.code == '\n') {
      out += "\\n";
    } else if (d.code < 0x20 || d.code == 0x7f) {
      out += fmt::format("\\x{:02x}", d.code);
    } else if (in(kUnsafe, d.code)) {
      out += fmt::format("\\u{:04x}", d.code);
    } else {
      out += text.substr(0, d.length);
    }
    text.remove_prefix(d.length);
  }
  return out;
}

std::string safe_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const Decoded d = decode(json);
    if (d.code == 0x7f || in(kUnsafe, d.code)) {
      out += fmt::format("\\u{:04x}", d.code);
    } else {
      out += json.substr(0, d.length);
    }
    json.remove_prefix(d.length);
  }
  return out;
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const Decoded d = decode(text);
    width += d.valid ? width_of(d.code) : 1;
    text.remove_prefix(d.length);
  }
  return width;
}

std::string shortened(std::string_view text, size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  size_t width = 0, at = 0;
  while (at < text.size()) {
    const Decoded d = decode(text.substr(at));
    const size_t w = d.valid ? width_of(d.code) : 1;
    if (width + w + 1 > columns) break;
    width += w;
    at += d.length;
  }
  return columns == 0 ? "" : std::string(text.substr(0, at)) + "…";
}

std::string safe_clip(std::string_view text, size_t columns) {
  constexpr size_t kLongestSequence = 4;
  return shortened(safe_text(text.substr(0, (columns + 1) * kLongestSequence)), columns);
}

std::string wrapped(std::string_view text, size_t columns, std::string_view indent) {
  std::string out;
  size_t used = 0;
  while (!text.empty()) {
    const size_t blank = text.find(' ');
    const std::string_view word = text.substr(0, blank);
    text.remove_prefix(blank == text.npos ? text.size() : blank + 1);
    if (word.empty()) continue;
    const size_t width = display_width(word);
    if (used > 0 && used + 1 + width > columns) {
      out += "\n";
      out += indent;
      used = 0;
    } else if (used > 0) {
      out += " ";
      ++used;
    }
    out += word;
    used += width;
  }
  return out;
}

}  // namespace rankdx
