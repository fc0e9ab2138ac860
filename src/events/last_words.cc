#include "events/last_words.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace rankdx {
namespace {

using std::string_view;
constexpr size_t npos = string_view::npos;

/// No such line is longer, but for the command that a shell repeats behind the word.
constexpr size_t kLongest = 600;
constexpr int kSignalBase = 128;  ///< a shell's exit status of a program that a signal ended

struct Word {
  string_view text;
  int signal;
};

/// strsignal(3), as shells and launchers print it. Sorted.
constexpr std::array<Word, 13> kWords = {{{"Aborted", 6},
                                          {"Alarm clock", 14},
                                          {"Bus error", 7},
                                          {"CPU time limit exceeded", 24},
                                          {"Floating point exception", 8},
                                          {"Hangup", 1},
                                          {"Illegal instruction", 4},
                                          {"Killed", 9},
                                          {"Quit", 3},
                                          {"Segmentation fault", 11},
                                          {"Stack fault", 16},
                                          {"Terminated", 15},
                                          {"Trace/breakpoint trap", 5}}};

struct Name {
  int signal;
  string_view text;
};
constexpr std::array<Name, 11> kNames = {{{1, "SIGHUP"},
                                          {2, "SIGINT"},
                                          {3, "SIGQUIT"},
                                          {4, "SIGILL"},
                                          {5, "SIGTRAP"},
                                          {6, "SIGABRT"},
                                          {7, "SIGBUS"},
                                          {8, "SIGFPE"},
                                          {9, "SIGKILL"},
                                          {11, "SIGSEGV"},
                                          {15, "SIGTERM"}}};

/// Behind one of these stands the number that a program returned.
constexpr std::array<string_view, 12> kCodes = {
    "ExitCode:",     "Exited (",     "Exit Code:",   "Exit code:",  "exit code ",    "exit code: ",
    "exit code=",    "exit status ", "exit status:", "exitCode: ", "exitcode: ", "return code "};

/// The rest of a line behind a word that stands for a program's end: nothing, or what shells add.
bool ends_notice(string_view rest) {
  rest = trim(rest);
  return rest.find_first_not_of(").") == npos || rest.starts_with("(core dumped)") ||
         rest.starts_with(": ");  // "Killed: 9"
}

/// "start.sh: line 12:  4711 " or "[1]+  4711 ": the notice of a shell, which repeats the command.
bool is_shell_head(string_view head) {
  const string_view text = trim(head);
  const size_t blank = text.find_last_of(' ');
  if (blank == npos || head.size() == text.size()) return false;
  const string_view pid = text.substr(blank + 1);
  if (!std::all_of(pid.begin(), pid.end(), is_digit)) return false;
  return text.find(": line ") != npos || text.front() == '[';
}

std::optional<Death> death_word(string_view body) {
  for (const Word& word : kWords) {
    const size_t at = body.find(word.text);
    if (at == npos) continue;
    const string_view head = body.substr(0, at), rest = body.substr(at + word.text.size());
    const bool alone = trim(head).empty() || head.ends_with(": ") || head.ends_with("] ") ||
                       head.ends_with('(');
    const bool dumped = rest.starts_with(" (core dumped)");
    if (!(alone && ends_notice(rest)) && !dumped && !is_shell_head(head)) continue;
    return Death{word.signal, -1, word.text};
  }
  return std::nullopt;
}

std::optional<Death> death_code(string_view body) {
  for (string_view mark : kCodes) {
    const size_t at = body.find(mark);
    if (at == npos) continue;
    size_t digit = at + mark.size();
    while (digit < body.size() && body[digit] == ' ') ++digit;
    const bool negative = digit < body.size() && body[digit] == '-';
    digit += negative;
    size_t end = digit;
    while (end < body.size() && is_digit(body[end])) ++end;
    const auto code = parse_int<int>(body.substr(digit, std::min<size_t>(end - digit, 4)));
    if (!code || *code == 0) continue;
    Death death{0, negative ? -*code : *code, body.substr(at, end - at)};
    if (negative) death.signal = *code;
    if (!negative && *code > kSignalBase && !signal_name(*code - kSignalBase).empty())
      death.signal = *code - kSignalBase;
    return death;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Death> death_of(string_view body) {
  if (body.size() > kLongest) return std::nullopt;
  if (const auto word = death_word(body)) return word;
  return death_code(body);
}

string_view signal_name(int signal) {
  for (const Name& name : kNames) {
    if (name.signal == signal) return name.text;
  }
  return {};
}

}  // namespace rankdx
