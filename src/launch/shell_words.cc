#include "launch/shell_words.h"

#include <fmt/format.h>

#include "base/text.h"

namespace rankdx {
namespace {

constexpr std::string_view kHarmless =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%^";

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<std::vector<ShellCommand>> run() {
    while (at_ < text_.size()) RANKDX_TRY(step());
    end_command();
    return std::move(commands_);
  }

 private:
  using Done = Result<bool>;

  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  char take() {
    if (text_[at_] == '\n') ++line_;
    return text_[at_++];
  }
  void begin_word() {
    if (!in_word_ && command_.words.empty()) command_.line = line_;
    in_word_ = true;
  }
  void end_word() {
    if (in_word_ && !drop_next_) command_.words.push_back(word_);
    if (in_word_) drop_next_ = false;
    word_.clear();
    in_word_ = false;
  }
  void end_command() {
    end_word();
    drop_next_ = false;
    if (!command_.words.empty()) commands_.push_back(std::move(command_));
    command_ = {};
  }
  Done unfinished(const char* what, size_t line) const {
    return fail(ErrorCode::Corrupt, fmt::format("{} is not closed", what),
                fmt::format("line {}", line));
  }

  Done step() {
    const char c = peek();
    if (c == '\'') return single_quotes();
    if (c == '"') return double_quotes();
    if (c == '\\') return escape();
    if (c == '$' && peek(1) == '(') return substitution();
    if (c == '#' && !in_word_) {
      while (at_ < text_.size() && peek() != '\n') take();
    } else if (c == '\n' || c == ';' || c == '|' || (c == '&' && peek(1) != '>')) {
      end_command();
      take();
    } else if (c == '<' || c == '>' || c == '&') {
      return redirection();
    } else if (c == ' ' || c == '\t' || c == '\r') {
      end_word();
      take();
    } else {
      begin_word();
      word_ += take();
    }
    return true;
  }

  Done single_quotes() {
    begin_word();
    const size_t line = line_;
    take();
    while (at_ < text_.size() && peek() != '\'') word_ += take();
    if (at_ == text_.size()) return unfinished("a ' quote", line);
    take();
    return true;
  }

  Done double_quotes() {
    begin_word();
    const size_t line = line_;
    take();
    while (at_ < text_.size() && peek() != '"') {
      if (peek() == '\\' && std::string_view("$`\"\\\n").find(peek(1)) != std::string_view::npos) {
        take();
        const char next = take();
        if (next != '\n') word_ += next;
      } else if (peek() == '$' && peek(1) == '(') {
        RANKDX_TRY(substitution());
      } else {
        word_ += take();
      }
    }
    if (at_ == text_.size()) return unfinished("a \" quote", line);
    take();
    return true;
  }

  Done escape() {
    take();
    if (at_ == text_.size()) return true;
    const char c = take();
    if (c == '\n') return true;
    begin_word();
    word_ += c;
    return true;
  }

  /// $( ... ) stays in the word as it is written; only brackets are counted.
  Done substitution() {
    begin_word();
    const size_t line = line_;
    int depth = 0;
    do {
      if (at_ == text_.size()) return unfinished("$(", line);
      if (peek() == '(') ++depth;
      if (peek() == ')') --depth;
      word_ += take();
    } while (depth > 0 || word_.back() == '$');
    return true;
  }

  /// ">file", "2>&1", "< file": not words of the command. ">(...)" of bash is a word.
  Done redirection() {
    if (peek(1) == '(') {
      begin_word();
      word_ += take();
      return substitution();
    }
    if (in_word_ && word_.find_first_not_of("0123456789") == std::string::npos) {
      word_.clear();
      in_word_ = false;
    }
    end_word();
    while (std::string_view("<>&").find(peek()) != std::string_view::npos && at_ < text_.size())
      take();
    drop_next_ = true;
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t line_ = 1;
  std::vector<ShellCommand> commands_;
  ShellCommand command_;
  std::string word_;
  bool in_word_ = false;
  bool drop_next_ = false;
};

}  // namespace

std::string shell_quote(std::string_view word) {
  if (!word.empty() && word.find_first_not_of(kHarmless) == std::string_view::npos) {
    return std::string(word);
  }
  return "'" + replace_all(word, "'", "'\\''") + "'";
}

std::string shell_join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ' ';
    out += shell_quote(word);
  }
  return out;
}

Result<std::vector<ShellCommand>> shell_commands(std::string_view text) {
  return Reader(text).run();
}

Result<std::vector<std::string>> shell_words(std::string_view text) {
  auto commands = RANKDX_TRY(shell_commands(text));
  std::vector<std::string> words;
  for (ShellCommand& command : commands) {
    for (std::string& word : command.words) words.push_back(std::move(word));
  }
  return words;
}

}  // namespace rankdx
