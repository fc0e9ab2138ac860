// Edits of variables and flags in each of the ways they are written.
#include <algorithm>

#include "base/text.h"
#include "launch/lint/judge.h"

namespace rankdx::lint {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// A word of a command with the blanks before it; across "\" and newline when it begins a continued
/// line. A line of its own (folded YAML) goes whole.
Span with_blanks_before(const SourceText& source, Span word) {
  const std::string& b = source.bytes();
  uint32_t begin = word.begin;
  while (begin > 0 && is_blank(b[begin - 1])) --begin;
  const bool line_start = begin == 0 || b[begin - 1] == '\n';
  if (!line_start) return {begin, word.end};
  if (begin >= 2 && b[begin - 2] == '\\') {
    begin -= 2;
    while (begin > 0 && is_blank(b[begin - 1])) --begin;
    return {begin, word.end};
  }
  uint32_t end = word.end;
  while (end < b.size() && is_blank(b[end])) ++end;
  if (end < b.size() && b[end] == '\n') return {begin, end + 1};
  return {word.begin, end};
}

Span lines_of(const SourceText& source, Span span) {
  return {source.line_begin(span.begin), source.line_end(std::max(span.end, span.begin + 1) - 1)};
}

Span flow_item(const SourceText& source, Span span) {
  const std::string& b = source.bytes();
  uint32_t end = span.end, begin = span.begin;
  while (end < b.size() && is_space(b[end])) ++end;
  if (end < b.size() && b[end] == ',') {
    ++end;
    while (end < b.size() && is_blank(b[end])) ++end;
    return {begin, end};
  }
  while (begin > 0 && is_space(b[begin - 1])) --begin;
  if (begin > 0 && b[begin - 1] == ',') --begin;
  return {begin, span.end};
}

bool is_harmless(std::string_view word) {
  return !word.empty() &&
         word.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=.,:/%@+") ==
             word.npos;
}

std::string shell_word(std::string_view word) {
  return is_harmless(word) ? std::string(word) : "'" + replace_all(word, "'", "'\\''") + "'";
}

/// In the quotes that stood there, or in new ones where YAML would read something else than text.
std::string value_like(const SourceText& source, Span span, std::string_view value, Form form) {
  const std::string_view old = source.part(span);
  if (!old.empty() && (old[0] == '"' || old[0] == '\''))
    return old[0] + std::string(value) + old[0];
  if (form == Form::BlockList || form == Form::BlockMap) return "\"" + std::string(value) + "\"";
  return std::string(value);
}

}  // namespace

std::vector<Edit> remove_variable(const SourceText& source, const EnvVar& v) {
  switch (v.form) {
    case Form::RunaiFlag:
      return {{with_blanks_before(source, v.whole), ""}};
    case Form::BlockList:
    case Form::BlockMap:
    case Form::DumpLine:
      return {{v.whole, ""}};
    case Form::ShellExport: {
      const Span line = lines_of(source, v.whole);
      if (trim(source.part(line)) == source.part(v.whole)) return {{line, ""}};
      // In front of a command: with the blank behind it.
      Span span = v.whole;
      while (span.end < source.size() && is_blank(source.bytes()[span.end])) ++span.end;
      const bool ends_line = span.end >= source.size() || source.bytes()[span.end] == '\n';
      return {{ends_line ? with_blanks_before(source, v.whole) : span, ""}};
    }
    default:
      return {};
  }
}

std::vector<Edit> set_variable(const SourceText& source, const EnvVar& v, std::string_view value) {
  if (v.form == Form::None || v.value.span.end == 0) return {};
  if (!is_harmless(value)) return {};
  // A compose "- NAME=value" item stands in one scalar.
  const bool inside = v.form == Form::BlockMap && v.value.span.begin == v.name_span.end + 1;
  return {{v.value.span,
           inside ? std::string(value) : value_like(source, v.value.span, value, v.form)}};
}

std::vector<Edit> rename_variable(const EnvVar& v, std::string_view name) {
  if (v.form == Form::None || v.name_span.end <= v.name_span.begin) return {};
  return {{v.name_span, std::string(name)}};
}

std::vector<Edit> add_variable(const SourceText& source, const Container& c, std::string_view name,
                               std::string_view value) {
  const std::string assignment = std::string(name) + "=" + std::string(value);
  if (c.env_form == Form::RunaiFlag && c.add_env.end > 0) {
    return {{{c.add_env.end, c.add_env.end}, " -e " + shell_word(assignment)}};
  }
  if (c.env_form == Form::BlockList && c.add_env.end > 0) {
    const std::string_view line = source.part(c.add_env);
    const std::string indent(line.substr(0, line.find('-')));
    return {{{c.add_env.end, c.add_env.end},
             indent + "- name: " + std::string(name) + "\n" + indent + "  value: \"" +
                 std::string(value) + "\"\n"}};
  }
  return {};
}

std::vector<Edit> remove_flag(const SourceText& source, const Serve& serve, const Flag& flag) {
  switch (serve.form) {
    case Form::ShellWords:
      return {{with_blanks_before(source, flag.whole), ""}};
    case Form::BlockList:
      return {{lines_of(source, flag.whole), ""}};
    case Form::FlowList:
      return {{flow_item(source, flag.whole), ""}};
    default:
      return {};
  }
}

std::vector<Edit> set_flag(const SourceText& source, const Serve& serve, const Flag& flag,
                           std::string_view value) {
  if (!flag.value || serve.form == Form::None || !is_harmless(value)) return {};
  if (flag.joined || serve.form == Form::ShellWords)
    return {{flag.value->span, std::string(value)}};
  return {{flag.value->span, value_like(source, flag.value->span, value, Form::BlockList)}};
}

std::vector<Edit> add_flags(const SourceText& source, const Serve& serve,
                            const std::vector<std::string>& words) {
  std::string text;
  if (serve.form == Form::ShellWords) {
    for (const std::string& w : words) text += " " + shell_word(w);
    return {{{serve.end.end, serve.end.end}, text}};
  }
  if (serve.form == Form::FlowList) {
    for (const std::string& w : words) text += ", \"" + w + "\"";
    return {{{serve.end.end, serve.end.end}, text}};
  }
  if (serve.form != Form::BlockList || serve.end.end == 0) return {};
  const Span line = lines_of(source, {serve.end.begin, serve.end.begin});
  const std::string_view last = source.part(line);
  const size_t dash = last.find_first_not_of(' ');
  const uint32_t at = source.line_end(serve.end.end - 1);
  if (dash == last.npos || last[dash] != '-' || !source.part({line.begin, at}).ends_with('\n'))
    return {};
  for (const std::string& w : words) text += std::string(dash, ' ') + "- \"" + w + "\"\n";
  return {{{at, at}, text}};
}

}  // namespace rankdx::lint
