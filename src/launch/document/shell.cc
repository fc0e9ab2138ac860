#include "launch/document/shell.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "launch/document/shell_values.h"

namespace rankdx::lint {
namespace {

constexpr int kMaxDepth = 50;          // of "$( $( ..." and arrays
constexpr size_t kMaxWords = 500'000;  // of a whole script

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool ends_word(char c) {
  return is_blank(c) || c == '\n' || c == ';' || c == '&' || c == '|' || c == '(' || c == ')' ||
         c == '<' || c == '>';
}

class Reader {
 public:
  explicit Reader(const MappedText& text) : t_(text), s_(text.text) {}

  ShellScript run() {
    while (at_ < s_.size() && words_ < kMaxWords) step();
    end_command();
    return std::move(script_);
  }

 private:
  using Kind = ShellProblem::Kind;

  char peek(size_t ahead = 0) const { return at_ + ahead < s_.size() ? s_[at_ + ahead] : '\0'; }
  uint32_t place(size_t index) const {
    if (t_.at.empty()) return 0;
    return index < t_.at.size() ? t_.at[index] : t_.at.back() + 1;
  }
  Span spot(size_t begin, size_t end) const {
    return begin < end ? Span{place(begin), place(end - 1) + 1} : Span{place(begin), place(begin)};
  }
  void problem(Kind kind, size_t begin, size_t end, std::vector<Edit> edits = {}) {
    script_.problems.push_back({kind, spot(begin, end), std::move(edits)});
  }

  void step() {
    const char c = peek();
    if (is_blank(c)) {
      ++at_;
    } else if (c == '\\' && is_continuation(at_)) {
      continuation();
    } else if (c == '#') {
      comment();
    } else if (c == '\n') {
      newline();
    } else if (c == '<' || c == '>') {
      redirection();
    } else if (c == ';' || c == '&' || c == '|' || c == '(' || c == ')') {
      end_command();
      ++at_;
    } else if ((c == '{' || c == '}') && (at_ + 1 == s_.size() || ends_word(peek(1)))) {
      end_command();
      ++at_;
    } else {
      word();
    }
  }

  /// A backslash before a line's end, also one that only looks so: before blanks or a comment.
  bool is_continuation(size_t at) const {
    size_t i = at + 1;
    if (i >= s_.size() || s_[i] == '\n') return true;
    if (!is_blank(s_[i])) return false;
    while (i < s_.size() && is_blank(s_[i])) ++i;
    return i >= s_.size() || s_[i] == '\n' || s_[i] == '#';
  }

  size_t line_end(size_t from) const { return std::min(s_.find('\n', from), s_.size()); }

  void continuation() {
    const size_t backslash = at_, end = line_end(at_);
    const size_t comment = std::min(s_.find('#', backslash), end);
    // A single carriage return comes from a file of another system; the shell fails on it as on a
    // blank.
    if (comment < end) {
      problem(Kind::CommentAfterBackslash, backslash, end,
              moved_comment(backslash + 1, comment, end));
    } else if (end > backslash + 1) {
      problem(Kind::BlankAfterBackslash, backslash, end, {{spot(backslash + 1, end), ""}});
    }
    at_ = std::min(end + 1, s_.size());
    continued_line(backslash);
  }

  /// Takes a comment out of a continued command and puts it on a line of its own before the
  /// command.
  std::vector<Edit> moved_comment(size_t cut, size_t comment, size_t end) const {
    const uint32_t start = begun_ ? place(command_begin_) : place(cut);
    std::string text = s_.substr(comment, end - comment);
    while (!text.empty() && (is_blank(text.back()) || text.back() == '\\')) text.pop_back();
    // Several comments of one command go to the same place, in their order.
    return {{{start, start}, text + "\n"}, {spot(cut, end), ""}};
  }

  /// Behind a continuation: comment lines and empty lines end the command for the shell.
  void continued_line(size_t backslash) {
    while (at_ < s_.size()) {
      size_t i = at_;
      while (i < s_.size() && is_blank(s_[i])) ++i;
      const size_t end = line_end(i);
      if (i < s_.size() && s_[i] == '#' && flag_follows(end)) {
        auto edits = moved_comment(at_, i, end);
        edits.back().span.end = std::min(edits.back().span.end + 1, place(s_.size()));
        problem(Kind::CommentInContinuation, i, end, std::move(edits));
      } else if (i == end && i < s_.size() && flag_follows(end)) {
        problem(Kind::DanglingBackslash, backslash, backslash + 1,
                {{{place(at_), place(end) + 1}, ""}});
      } else {
        return;
      }
      at_ = std::min(end + 1, s_.size());
    }
  }

  /// Whether the next line that is not empty or a comment begins with a flag.
  bool flag_follows(size_t end_of_line) const {
    size_t i = end_of_line;
    while (i < s_.size()) {
      while (i < s_.size() && is_space(s_[i])) ++i;
      if (i >= s_.size() || s_[i] != '#') break;
      i = line_end(i);
    }
    if (i + 1 >= s_.size() || s_[i] != '-') return false;
    const char c = s_[i + 1];
    return c == '-' ? i + 2 < s_.size() && is_letter(s_[i + 2]) : is_letter(c);
  }
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

  void comment() {
    const size_t begin = at_, end = line_end(at_);
    std::string_view text = trim(std::string_view(s_).substr(begin, end - begin));
    const bool in_command = begun_ && !command_.words.empty();
    if (in_command && text.ends_with('\\') && flag_follows(end)) {
      auto edits = moved_comment(begin, begin, end);
      edits.back().text = "\\";
      problem(Kind::CommentInContinuation, begin, end, std::move(edits));
      at_ = std::min(end + 1, s_.size());
      return;
    }
    at_ = end;
  }

  void newline() {
    size_t behind = at_;
    while (behind > 0 && is_blank(s_[behind - 1])) --behind;
    const bool next_line = at_ + 1 < s_.size() && s_[at_ + 1] != '\n';
    if (begun_ && command_.words.size() > 1 && next_line && flag_follows(at_) && takes_flags()) {
      problem(Kind::MissingBackslash, behind > 0 ? behind - 1 : 0, behind,
              {{spot(behind, at_), " \\"}});
      ++at_;
      return;
    }
    ++at_;
    end_command();
    read_heredocs();
  }

  /// Only commands with flags of their own go on with flags; "echo" in a list does not.
  bool takes_flags() const {
    return std::any_of(command_.words.begin(), command_.words.end(),
                       [](const ShellWord& w) {
                         return !w.quoted && w.text().size() > 1 && w.text()[0] == '-';
                       }) ||
           std::any_of(command_.words.begin(), command_.words.end(), [](const ShellWord& w) {
             return w.text() == "serve" || w.text() == "submit";
           });
  }

  void redirection() {
    const uint32_t begin = place(at_);
    const bool here = peek() == '<' && peek(1) == '<' && peek(2) != '<';
    if (peek() == '<' && peek(1) == '<' && peek(2) == '<')
      at_ += 3;
    else
      at_ += here ? 2 : 1;
    bool tabs = false;
    if (here && peek() == '-') tabs = true, ++at_;
    if (!here) {
      while (peek() == '>' || peek() == '&' || peek() == '|') ++at_;
      // Process substitution: its commands are read like others.
      if (peek() == '(') return;
    }
    // A file descriptor in front ("2>") was read as a word of digits.
    if (!command_.words.empty() && command_.words.back().span.end == begin &&
        parse_int<int>(command_.words.back().text())) {
      command_.words.pop_back();
    }
    while (is_blank(peek())) ++at_;
    if (at_ >= s_.size() || peek() == '\n') return;
    const ShellWord target = read_word(0);
    if (here) pending_.push_back({target.value.text, tabs});
  }

  void read_heredocs() {
    for (const auto& [mark, tabs] : pending_) {
      const size_t begin = at_;
      bool found = false;
      while (at_ < s_.size() && !found) {
        const size_t end = line_end(at_);
        std::string_view line = std::string_view(s_).substr(at_, end - at_);
        while (tabs && line.starts_with('\t')) line.remove_prefix(1);
        found = trim(line) == mark;
        if (found) script_.heredocs.push_back(t_.part(begin, at_ - begin));
        at_ = std::min(end + 1, s_.size());
      }
      if (!found) problem(Kind::OpenQuote, begin > 0 ? begin - 1 : 0, begin);
    }
    pending_.clear();
  }

  void begin_command() {
    if (begun_) return;
    begun_ = true;
    command_begin_ = at_;
    size_t line = at_;
    while (line > 0 && s_[line - 1] != '\n') --line;
    if (trim(std::string_view(s_).substr(line, at_ - line)).empty()) command_begin_ = line;
    command_ = {};
    command_.span.begin = place(at_);
  }

  void word() {
    begin_command();
    if (command_.words.empty() && assignment()) return;
    ShellWord w = read_word(0);
    command_.span.end = w.span.end;
    if (command_.words.empty() && !w.quoted && reserved(w.text())) {
      begun_ = !command_.assignments.empty();
      return;
    }
    const bool splits = w.dynamic && !w.quoted;
    values_.fill_in(w);
    if (splits && !w.dynamic && w.text().find(' ') != std::string_view::npos) return add_parts(w);
    add_word(std::move(w));
  }

  /// Words of the grammar; those that open something count for `branch`.
  bool reserved(std::string_view text) {
    for (std::string_view open : {"if", "while", "until", "for", "case", "select"}) {
      if (text == open) ++branch_;
      if (text == open && text != "if" && text != "while" && text != "until") return false;
    }
    for (std::string_view close : {"fi", "done", "esac"}) {
      if (text == close) branch_ = std::max(0, branch_ - 1);
    }
    for (std::string_view word : {"if", "then", "elif", "else", "fi", "while", "until", "do",
                                  "done", "esac", "!", "time"}) {
      if (text == word) return true;
    }
    return false;
  }

  /// "${ARGS[@]}" of a known array becomes its items, in their own places.
  void add_word(ShellWord w) {
    for (const auto& [name, items] : arrays_) {
      const std::string_view text = w.text();
      if (text == "${" + name + "[@]}" || text == "${" + name + "[*]}") {
        for (const ShellWord& item : items) {
          if (++words_ < kMaxWords) command_.words.push_back(item);
        }
        return;
      }
    }
    ++words_;
    command_.words.push_back(std::move(w));
  }

  /// An unquoted variable becomes as many words as its value has.
  void add_parts(const ShellWord& w) {
    const std::string& text = w.value.text;
    for (size_t i = 0; i < text.size();) {
      const size_t end = std::min(text.find(' ', i), text.size());
      ShellWord part = w;
      part.value = w.value.part(i, end - i);
      if (end > i) add_word(std::move(part));
      i = end + 1;
    }
  }

  bool assignment() {
    size_t i = at_;
    while (i < s_.size() && (is_letter(s_[i]) || s_[i] == '_' || (i > at_ && is_digit(s_[i])))) ++i;
    const size_t name_end = i;
    if (name_end == at_) return false;
    const bool append = i + 1 < s_.size() && s_[i] == '+' && s_[i + 1] == '=';
    if (append) ++i;
    if (i >= s_.size() || s_[i] != '=') return false;
    ShellAssignment a;
    a.name = s_.substr(at_, name_end - at_);
    const size_t begin = at_;
    at_ = i + 1;
    if (peek() == '(') {
      a.array = true;
      ++at_;
      read_array(a.items);
    } else if (at_ < s_.size() && !ends_word(peek())) {
      a.value = read_word(0);
      values_.fill_in(a.value);
    } else {
      a.value.span = {place(at_), place(at_)};
    }
    a.span = spot(begin, at_);
    command_.span.end = a.span.end;
    if (a.array && append) {
      auto& known = arrays_[a.name];
      known.insert(known.end(), a.items.begin(), a.items.end());
    } else if (a.array) {
      arrays_[a.name] = a.items;
    }
    command_.assignments.push_back(std::move(a));
    return true;
  }

  void read_array(std::vector<ShellWord>& items) {
    const size_t begin = at_ - 1;
    while (at_ < s_.size() && peek() != ')') {
      if (is_space(peek()) || (peek() == '\\' && is_continuation(at_))) {
        ++at_;
      } else if (peek() == '#') {
        at_ = line_end(at_);
      } else if (ends_word(peek())) {
        ++at_;
      } else if (++words_ < kMaxWords) {
        ShellWord w = read_word(0);
        values_.fill_in(w);
        items.push_back(std::move(w));
      } else {
        return;
      }
    }
    if (at_ >= s_.size())
      problem(Kind::OpenQuote, begin, begin + 1);
    else
      ++at_;
  }

  ShellWord read_word(int depth) {
    ShellWord w;
    const size_t begin = at_;
    while (at_ < s_.size() && !ends_word(peek())) {
      const char c = peek();
      if (c == '\\' && is_continuation(at_)) {
        if (peek(1) != '\n' || at_ == begin) break;
        // A word that goes on in the next line, but only when that begins without a blank.
        if (at_ + 2 >= s_.size() || is_space(s_[at_ + 2])) break;
        at_ += 2;
      } else if (c == '\\') {
        ++at_;
        w.quoted = true;
        take(w);
      } else if (c == '\'') {
        single_quotes(w);
      } else if (c == '"') {
        double_quotes(w, depth);
      } else if (c == '$' || c == '`') {
        expansion(w, depth);
      } else {
        take(w);
      }
    }
    if (at_ == begin) take(w);
    w.span = spot(begin, at_);
    return w;
  }

  void take(ShellWord& w) {
    if (at_ >= s_.size()) return;
    w.value.push(s_[at_], place(at_));
    ++at_;
  }

  void single_quotes(ShellWord& w) {
    w.quoted = true;
    const size_t begin = at_++;
    while (at_ < s_.size() && peek() != '\'') take(w);
    if (at_ >= s_.size()) return problem(Kind::OpenQuote, begin, begin + 1);
    ++at_;
  }

  void double_quotes(ShellWord& w, int depth) {
    w.quoted = true;
    const size_t begin = at_++;
    while (at_ < s_.size() && peek() != '"') {
      if (peek() == '\\' && peek(1) == '\n') {
        at_ += 2;
      } else if (peek() == '\\' &&
                 (peek(1) == '"' || peek(1) == '\\' || peek(1) == '$' || peek(1) == '`')) {
        ++at_;
        take(w);
      } else if (peek() == '$' || peek() == '`') {
        expansion(w, depth);
      } else {
        take(w);
      }
    }
    if (at_ >= s_.size()) return problem(Kind::OpenQuote, begin, begin + 1);
    ++at_;
  }

  void expansion(ShellWord& w, int depth) {
    const char next = peek(1);
    if (peek() == '`') return until_back_quote(w);
    if (next == '(' || next == '{') return bracketed(w, next == '(' ? ')' : '}', depth);
    if (is_letter(next) || next == '_' || is_digit(next) || next == '@' || next == '*' ||
        next == '?' || next == '#' || next == '$') {
      w.dynamic = true;
    }
    take(w);
  }

  void until_back_quote(ShellWord& w) {
    const size_t begin = at_;
    w.dynamic = true;
    take(w);
    while (at_ < s_.size() && peek() != '`') take(w);
    if (at_ >= s_.size()) return problem(Kind::OpenQuote, begin, begin + 1);
    take(w);
  }

  /// "$(...)" and "${...}", kept as they are.
  void bracketed(ShellWord& w, char close, int depth) {
    const size_t begin = at_;
    w.dynamic = true;
    take(w);
    const char open = peek();
    take(w);
    int level = 1;
    while (at_ < s_.size() && level > 0 && depth < kMaxDepth) {
      const char c = peek();
      if (c == '\\') {
        take(w);
      } else if (c == '\'' && close == ')') {
        take(w);
        while (at_ < s_.size() && peek() != '\'') take(w);
      } else {
        level += c == open;
        level -= c == close;
      }
      take(w);
    }
    if (level > 0) problem(Kind::OpenQuote, begin, begin + 2);
  }

  void end_command() {
    if (begun_ && (!command_.words.empty() || !command_.assignments.empty())) {
      values_.remember(command_, branch_);
      command_.branch = branch_;
      script_.commands.push_back(std::move(command_));
    }
    command_ = {};
    begun_ = false;
  }

  const MappedText& t_;
  const std::string& s_;
  size_t at_ = 0, command_begin_ = 0, words_ = 0;
  bool begun_ = false;
  int branch_ = 0;
  ShellCommand command_;
  ShellScript script_;
  std::vector<std::pair<std::string, bool>> pending_;
  ShellValues values_;
  std::map<std::string, std::vector<ShellWord>> arrays_;
};

}  // namespace

ShellScript parse_shell(const MappedText& text) { return Reader(text).run(); }

bool is_variable_name(std::string_view word) {
  if (word.empty() || is_digit(word[0])) return false;
  return std::all_of(word.begin(), word.end(), [](char c) {
    return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

}  // namespace rankdx::lint
