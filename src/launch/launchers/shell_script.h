// Long commands as shell text with one flag per line. Pure functions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "launch/serve_args.h"

namespace rankdx {

/// A literal in the quotes it needs; a reference between double quotes, for the shell to expand.
std::string shell_word(const Word& word);

/// `groups` of words, one per line, with continuations between: "docker run" / "--gpus 8" /
/// "IMAGE".
class LongCommand {
 public:
  explicit LongCommand(std::string start) : text_(std::move(start)) {}
  /// One line of words.
  LongCommand& line(const Words& words);
  LongCommand& line(std::initializer_list<std::string> literals);
  /// A command whose flags get lines of their own: "vllm serve M", "--port 8000", ...
  LongCommand& command(const Words& words);
  /// Text that stands as it is.
  LongCommand& raw(const std::string& text);
  std::string text() const { return text_ + "\n"; }

 private:
  std::string text_;
};

}  // namespace rankdx
