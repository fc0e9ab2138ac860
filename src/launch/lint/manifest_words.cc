#include "launch/lint/manifest_words.h"

#include "base/text.h"

namespace rankdx::lint {

bool looks_like_number_or_truth(std::string_view text) {
  if (parse_double(text)) return true;
  const std::string word = lower(text);
  return word == "true" || word == "false" || word == "yes" || word == "no" || word == "on" ||
         word == "off" || word == "null" || word == "~";
}

bool is_gpu_resource(std::string_view name) {
  return name == "nvidia.com/gpu" || name == "amd.com/gpu" || name.starts_with("nvidia.com/mig-") ||
         name == "nvidia.com/gpu.shared";
}

Span item_span(const SourceText& source, uint32_t begin) {
  const uint32_t first = source.line_begin(begin);
  const std::string_view bytes = source.bytes();
  size_t dash = first;
  while (dash < bytes.size() && bytes[dash] == ' ') ++dash;
  if (dash >= bytes.size() || bytes[dash] != '-') return {};
  const size_t indent = dash - first;
  uint32_t end = source.line_end(first);
  while (end < source.size()) {
    size_t i = end;
    while (i < bytes.size() && bytes[i] == ' ') ++i;
    const bool blank = i >= bytes.size() || bytes[i] == '\n' || bytes[i] == '\r';
    if (!blank && i - end <= indent) break;
    if (blank) break;
    end = source.line_end(end);
  }
  return {first, end};
}

}  // namespace rankdx::lint
