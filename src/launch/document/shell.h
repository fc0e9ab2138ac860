// Shell text (sh, bash) as simple commands with the place of every word, also inside broken
// continuations. Nothing is run; of expansions only variables that the text itself sets to a fixed
// value are filled in. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "launch/document/text.h"

namespace rankdx::lint {

/// A word without its quotes. What the shell would expand stays as it is written ("$TP",
/// "$(hostname)").
struct ShellWord {
  MappedText value;
  Span span;             ///< in the file, with quotes
  bool dynamic = false;  ///< holds an expansion whose result is not known
  bool quoted = false;   ///< some of it stood in quotes
  std::string_view text() const { return value.text; }
};

struct ShellAssignment {
  std::string name;
  ShellWord value;
  std::vector<ShellWord> items;  ///< of an array: NAME=(a b)
  bool array = false;
  Span span;  ///< NAME=value
};

struct ShellCommand {
  std::vector<ShellAssignment> assignments;  ///< in front of the command, or alone
  std::vector<ShellWord> words;
  Span span;       ///< from the first to the last word; line continuations inside
  int branch = 0;  ///< how many if, case, loops and functions are open around it
};

struct ShellProblem {
  enum class Kind : uint8_t {
    OpenQuote,            ///< a quote, $( or heredoc that never ends
    BlankAfterBackslash,  ///< "\ " at a line's end: no continuation
    CommentAfterBackslash,
    CommentInContinuation,  ///< a comment line between continued lines, or "# ... \" behind a flag
    MissingBackslash,   ///< a line that begins with a flag, behind a command without a backslash
    DanglingBackslash,  ///< a backslash before an empty line or the end, with more flags behind
  };
  Kind kind = Kind::OpenQuote;
  Span span;
  std::vector<Edit> edits;
};

struct ShellScript {
  std::vector<ShellCommand> commands;
  std::vector<MappedText> heredocs;
  std::vector<ShellProblem> problems;
};

/// Broken continuations are read as if they were whole, so that what is behind them is not lost.
ShellScript parse_shell(const MappedText& text);

/// True for a name that a shell takes as a variable's.
bool is_variable_name(std::string_view word);

}  // namespace rankdx::lint
