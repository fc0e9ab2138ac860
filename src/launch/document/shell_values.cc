#include "launch/document/shell_values.h"

#include "base/text.h"

namespace rankdx::lint {
namespace {

constexpr std::string_view kUnknown = "\x01";  // set, but to what is not known
constexpr size_t kLongestValue = 10'000;

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

/// Name and length of "$NAME" or "${NAME}" at i; length 0 when there is none.
std::pair<std::string_view, size_t> variable_at(std::string_view text, size_t i) {
  if (text[i] != '$') return {{}, 0};
  const bool braces = i + 1 < text.size() && text[i + 1] == '{';
  const size_t begin = i + (braces ? 2 : 1);
  size_t end = begin;
  while (end < text.size() && is_name_byte(text[end])) ++end;
  if (end == begin || (braces && (end >= text.size() || text[end] != '}'))) return {{}, 0};
  return {text.substr(begin, end - begin), end - i + (braces ? 1 : 0)};
}

}  // namespace

void ShellValues::fill_in(ShellWord& word) const {
  if (!word.dynamic) return;
  ShellWord out = word;
  out.value = {};
  out.dynamic = false;
  const std::string& text = word.value.text;
  for (size_t i = 0; i < text.size();) {
    const auto [name, length] = variable_at(text, i);
    if (length == 0) {
      if (text[i] == '$' || text[i] == '`') return;
      out.value.push(text[i], word.value.at[i]);
      ++i;
      continue;
    }
    const auto known = values_.find(std::string(name));
    if (known == values_.end() || known->second.empty() || known->second == kUnknown) return;
    for (char c : known->second) out.value.push(c, word.value.at[i]);
    if (out.value.text.size() > kLongestValue) return;
    i += length;
  }
  word = std::move(out);
}

void ShellValues::remember(const ShellCommand& command, int branch) {
  if (command.words.empty()) {
    for (const ShellAssignment& a : command.assignments) set(a.name, a.value, branch);
    return;
  }
  const std::string_view first = command.words[0].text();
  if (first != "export" && first != "declare" && first != "local" && first != "readonly") return;
  for (const ShellWord& w : command.words) {
    const size_t equals = w.text().find('=');
    if (equals == std::string_view::npos) continue;
    ShellWord value = w;
    value.value = w.value.part(equals + 1);
    set(std::string(w.text().substr(0, equals)), value, branch);
  }
}

void ShellValues::set(const std::string& name, const ShellWord& value, int branch) {
  // Set twice or inside a branch: which one holds is not known.
  const bool sure = branch == 0 && !value.dynamic && values_.find(name) == values_.end();
  values_[name] = sure ? value.value.text : std::string(kUnknown);
}

}  // namespace rankdx::lint
