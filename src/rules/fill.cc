#include "base/text.h"
#include "rules/rule.h"

namespace rankdx {
namespace {

constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyz0123456789_";

/// The next {name} at or behind `from`: name, and the text before it in `before`. Empty at the end.
std::string_view next_name(std::string_view text, size_t& at, std::string_view& before) {
  const size_t start = at;
  for (size_t open = text.find('{', at); open != text.npos; open = text.find('{', open + 1)) {
    const size_t end = text.find_first_not_of(kNameLetters, open + 1);
    if (end == text.npos || text[end] != '}' || end == open + 1) continue;
    before = text.substr(start, open - start);
    at = end + 1;
    return text.substr(open + 1, end - open - 1);
  }
  before = text.substr(start);
  at = text.size();
  return {};
}

}  // namespace

std::string fill(std::string_view text, const std::map<std::string, std::string>& captures) {
  std::string out;
  size_t at = 0;
  while (true) {
    std::string_view before;
    const std::string_view name = next_name(text, at, before);
    out += before;
    if (name.empty()) return out;
    auto found = captures.find(std::string(name));
    out += found == captures.end() || found->second.empty() ? "?" : found->second;
  }
}

std::vector<std::string> template_names(std::string_view text) {
  std::vector<std::string> names;
  size_t at = 0;
  std::string_view before;
  for (std::string_view name = next_name(text, at, before); !name.empty();
       name = next_name(text, at, before)) {
    names.emplace_back(name);
  }
  return names;
}

}  // namespace rankdx
