#include "launch/document/scalar_map.h"

#include <algorithm>

#include "base/text.h"

namespace rankdx::lint {
namespace {

/// Behind anchors ("&name") and tags ("!name").
size_t content_begin(std::string_view bytes, size_t at) {
  while (at < bytes.size() && (bytes[at] == '&' || bytes[at] == '!')) {
    while (at < bytes.size() && !is_space(bytes[at])) ++at;
    while (at < bytes.size() && is_space(bytes[at])) ++at;
  }
  return at;
}

/// Pairs the value's bytes with the file's from `at` on: other bytes in order, white space with any
/// white space.
MappedText paired(std::string_view bytes, size_t at, std::string_view value, char escape) {
  MappedText out;
  out.text = value;
  out.at.reserve(value.size());
  const size_t last = bytes.empty() ? 0 : bytes.size() - 1;
  for (const char c : value) {
    if (is_space(c)) {
      out.at.push_back(static_cast<uint32_t>(std::min(at, last)));
      if (at < bytes.size() && bytes[at] == c)
        ++at;
      else if (escape == '\\' && bytes.substr(at).starts_with("\\"))
        at += 2;
      continue;
    }
    while (at < bytes.size() && bytes[at] != c && (is_space(bytes[at]) || bytes[at] == escape)) {
      // A backslash that stands for itself is followed by another one; a doubled quote by its twin.
      ++at;
    }
    if (at < bytes.size() && c == escape && at + 1 < bytes.size() && bytes[at + 1] == escape) ++at;
    out.at.push_back(static_cast<uint32_t>(std::min(at, last)));
    if (at < bytes.size()) ++at;
  }
  return out;
}

}  // namespace

MappedText scalar_map(std::string_view bytes, uint32_t begin, std::string_view value) {
  size_t at = content_begin(bytes, begin);
  if (at >= bytes.size()) return paired(bytes, bytes.size(), value, '\0');
  const char first = bytes[at];
  if (first == '"') return paired(bytes, at + 1, value, '\\');
  if (first == '\'') return paired(bytes, at + 1, value, '\'');
  if (first == '|' || first == '>') {
    at = bytes.find('\n', at);
    if (at == bytes.npos) at = bytes.size();
    return paired(bytes, std::min(at + 1, bytes.size()), value, '\0');
  }
  return paired(bytes, at, value, '\0');
}

Span scalar_span(std::string_view bytes, uint32_t begin, std::string_view value) {
  const size_t at = content_begin(bytes, begin);
  if (at >= bytes.size()) return {begin, begin};
  const MappedText map = scalar_map(bytes, begin, value);
  uint32_t end = map.at.empty() ? static_cast<uint32_t>(at) : map.at.back() + 1;
  const char quote = bytes[at];
  if (quote == '"' || quote == '\'') {
    end = std::max(end, static_cast<uint32_t>(at + 1));
    while (end < bytes.size() && bytes[end] != quote && is_space(bytes[end])) ++end;
    if (end < bytes.size() && bytes[end] == quote) ++end;
  }
  return {static_cast<uint32_t>(at), std::max(end, static_cast<uint32_t>(at))};
}

}  // namespace rankdx::lint
