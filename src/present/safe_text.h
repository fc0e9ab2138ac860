// Text of an input on its way to a terminal, a file or a browser.
#pragma once

#include <string>
#include <string_view>

namespace rankdx {

/// Valid UTF-8 without control characters: ESC, NUL and the like become "\x1b", a tab a blank, a
/// newline "\n" as two characters; bytes that are no UTF-8 become U+FFFD; characters that turn the
/// direction of text (bidirectional controls) are written as "\u202e".
std::string safe_text(std::string_view text);

/// JSON as a library wrote it, with the same characters as safe_text() hides written as "\\u202e"
/// escapes, so that a terminal shows them and a parser reads what was there.
std::string safe_json(std::string_view json);

/// Columns that a safe text takes on a terminal: wide East Asian characters take two, combining
/// marks none.
size_t display_width(std::string_view text);

/// The text in at most `columns`, with "…" in place of what is cut.
std::string shortened(std::string_view text, size_t columns);

/// A text of the input, made safe, in at most `columns`; the work does not grow with what is cut.
std::string safe_clip(std::string_view text, size_t columns);

/// The words of a text in lines of at most `columns` columns; a longer word stays whole.
std::string wrapped(std::string_view text, size_t columns, std::string_view indent);

}  // namespace rankdx
