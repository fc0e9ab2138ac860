// Shell text: quoting one word so that no shell changes it, and reading commands back as words.
// Nothing is expanded and nothing is run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rankdx {

/// The word as it must be written for sh to see exactly `word`: unchanged when harmless, else in
/// single quotes.
std::string shell_quote(std::string_view word);

/// shell_quote of each, with blanks between.
std::string shell_join(const std::vector<std::string>& words);

struct ShellCommand {
  std::vector<std::string>
      words;  ///< quotes and escapes taken away; "$NAME" and "$(...)" stay as they are written
  size_t line = 0;  ///< 1-based, of the first word
};

/// Simple commands, cut at newlines, ';', '&', '|'; redirections are dropped, comments too.
/// Reserved words ("if", "then") are words like others. An unfinished quote is an error that names
/// the line where it began.
Result<std::vector<ShellCommand>> shell_commands(std::string_view text);

/// The words of a text that is a single command: what Run:ai does with --command.
Result<std::vector<std::string>> shell_words(std::string_view text);

}  // namespace rankdx
