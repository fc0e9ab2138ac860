// Bytes of a line that are no text: escape sequences, NUL, carriage returns, broken UTF-8.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace rankdx {

bool is_utf8(std::string_view text);

/// Appends `line` without ANSI/VT escape sequences (colour, cursor, title).
void strip_escapes(std::string_view line, std::string& out);

struct CleanLine {
  std::string_view
      text;  ///< without escapes, byte order mark, NUL bytes at the ends and final '\r'
  bool has_returns = false;   ///< '\r' inside
  bool damaged = false;       ///< NUL bytes, or not UTF-8
  bool text_damaged = false;  ///< the same, inside the text
};

/// `scratch` holds the text where it had to be rewritten.
CleanLine clean_line(std::string_view line, std::string& scratch);

/// Hands on what stays on the screen of a line with '\r' inside: parts in which NCCL speaks, and
/// the last part that is not blank. Wrappers at the start of the line are put before each part.
void for_each_visible_part(std::string_view text, const std::function<void(std::string_view)>& use);

}  // namespace rankdx
