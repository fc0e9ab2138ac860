// Bytes of a line that are no text: escape sequences, NUL, carriage returns, broken UTF-8.
#pragma once

#include <string>
#include <string_view>
#include <vector>

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

/// What stays on the screen of a line with '\r' inside: the last part that is not blank, and parts
/// before it in which NCCL speaks. Wrappers at the start of the line are put before each part.
std::vector<std::string> visible_parts(std::string_view text);

}  // namespace rankdx
