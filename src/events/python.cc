#include "events/python.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace rankdx {
namespace {

using std::string_view;
constexpr size_t npos = string_view::npos;

constexpr size_t kLongestHead = 120;
constexpr size_t kLongestName = 160;

constexpr std::array<string_view, 9> kLevels = {"CRITICAL", "DEBUG",  "ERROR", "EXCEPTION", "FATAL",
                                                "INFO",     "NOTICE", "WARN",  "WARNING"};

/// How the names of classes end that are raised. "Warning" is left out: warnings.warn prints it.
constexpr std::array<string_view, 9> kEndings = {"Cancelled",      "Error",   "Exception",
                                                 "ExceptionGroup", "Exit",    "Failure",
                                                 "Interrupt",      "Timeout", "StopIteration"};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

/// The bars that an exception group draws in front of its members.
string_view without_bars(string_view text) {
  const size_t bar = text.find_first_not_of(' ');
  if (bar == npos || bar > 24 || (text[bar] != '|' && text[bar] != '+')) return text;
  if (bar + 1 < text.size() && text[bar + 1] == ' ') return text.substr(bar + 2);
  return text;
}

/// "RayTaskError(ValueError)" is named by its own class.
size_t end_of_name(string_view text) {
  size_t end = 0;
  while (end < text.size() && end < kLongestName && (is_word(text[end]) || text[end] == '.')) ++end;
  return end;
}

bool names_an_exception(string_view name) {
  if (name.empty() || name.front() == '.' || is_digit(name.front()) || name.back() == '.')
    return false;
  const size_t dot = name.rfind('.');
  const string_view cls = dot == npos ? name : name.substr(dot + 1);
  if (cls.empty()) return false;
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](string_view ending) { return cls.ends_with(ending); });
}

PythonLine exception_of(string_view text) {
  size_t end = end_of_name(text);
  PythonLine out;
  const string_view name = text.substr(0, end);
  if (!names_an_exception(name)) return out;
  if (end < text.size() && text[end] == '(') {
    const size_t close = text.find(')', end);
    if (close == npos || close > kLongestName) return out;
    end = close + 1;
  }
  const string_view rest = text.substr(end);
  if (!rest.empty() && !rest.starts_with(": ") && rest != ":") return out;
  out.part = PythonPart::Exception;
  out.exception = name;
  out.message = trim(rest.substr(std::min<size_t>(rest.size(), 1)));
  return out;
}

/// `  File "/x/y.py", line 12, in load`.
PythonLine frame_of(string_view text) {
  constexpr string_view start = "File \"", number = "\", line ";
  PythonLine out;
  const size_t open = text.find_first_not_of(' ');
  if (open == npos || !text.substr(open).starts_with(start)) return out;
  const string_view path = text.substr(open + start.size());
  const size_t close = path.find(number);
  if (close == npos) return out;
  const string_view behind = path.substr(close + number.size());
  size_t digits = 0;
  while (digits < behind.size() && is_digit(behind[digits])) ++digits;
  const auto line = parse_int<int>(behind.substr(0, digits));
  if (!line) return out;
  out.part = PythonPart::Frame;
  out.file = path.substr(0, close);
  out.line = *line;
  constexpr string_view in = ", in ";
  const string_view rest = behind.substr(digits);
  if (rest.starts_with(in)) out.function = trim(rest.substr(in.size()));
  return out;
}

}  // namespace

const std::vector<string_view>& python_marks() {
  static const std::vector<string_view> marks = {"Traceback (most recent",
                                                 "\", line ",
                                                 "During handling of the above",
                                                 "was the direct cause",
                                                 "Error: ",
                                                 "Error): ",
                                                 "Exception",
                                                 "SystemExit",
                                                 "KeyboardInterrupt",
                                                 "Timeout: ",
                                                 "Failure: "};
  return marks;
}

string_view without_logger_head(string_view body) {
  size_t word = 0;
  while (word < body.size() && body[word] >= 'A' && body[word] <= 'Z') ++word;
  if (word == 0 || word >= body.size()) return body;
  const string_view level = body.substr(0, word);
  const bool glog = word == 1 && is_digit(body[word]);  // "E1001 12:00:00.123456 77 file.py:12] "
  if (!glog && std::find(kLevels.begin(), kLevels.end(), level) == kLevels.end()) return body;
  const size_t close = body.substr(0, kLongestHead).find("] ");
  if (close != npos) return body.substr(close + 2);
  // "ERROR:root:" of the logging module.
  if (body[word] != ':') return body;
  const size_t second = body.substr(0, kLongestHead).find(':', word + 1);
  return second == npos || second == word + 1 ? body : body.substr(second + 1);
}

PythonLine python_line(string_view body) {
  const string_view text = without_bars(without_logger_head(body));
  PythonLine out;
  if (text.find("Traceback (most recent") != npos) {
    out.part = PythonPart::Start;
  } else if (text.find("During handling of the above") != npos) {
    out.part = PythonPart::During;
  } else if (text.find("was the direct cause of the following") != npos) {
    out.part = PythonPart::DirectCause;
  } else if (out = frame_of(text); out.part == PythonPart::None) {
    out = exception_of(text);
  }
  return out;
}

}  // namespace rankdx
