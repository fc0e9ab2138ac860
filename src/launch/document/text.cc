#include "launch/document/text.h"

#include <algorithm>
#include <cstddef>

namespace rankdx::lint {

SourceText::SourceText(std::string name, std::string bytes)
    : name_(std::move(name)), bytes_(std::move(bytes)) {
  line_starts_.push_back(0);
  for (size_t at = bytes_.find('\n'); at != std::string::npos; at = bytes_.find('\n', at + 1)) {
    line_starts_.push_back(static_cast<uint32_t>(at + 1));
  }
}

size_t SourceText::line_index(uint32_t offset) const {
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  return static_cast<size_t>(next - line_starts_.begin()) - 1;
}

Position SourceText::position(uint32_t offset) const {
  offset = std::min(offset, size());
  const size_t line = line_index(offset);
  uint32_t column = 1;
  for (uint32_t i = line_starts_[line]; i < offset; ++i) {
    column += (static_cast<unsigned char>(bytes_[i]) & 0xc0) != 0x80;
  }
  return {static_cast<uint32_t>(line + 1), column};
}

std::string_view SourceText::line(uint32_t number) const {
  if (number == 0 || number > line_starts_.size()) return {};
  const uint32_t begin = line_starts_[number - 1];
  std::string_view text = std::string_view(bytes_).substr(begin, line_end(begin) - begin);
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

uint32_t SourceText::line_begin(uint32_t offset) const { return line_starts_[line_index(offset)]; }

uint32_t SourceText::line_end(uint32_t offset) const {
  const size_t next = line_index(offset) + 1;
  return next < line_starts_.size() ? line_starts_[next] : size();
}

std::string_view SourceText::part(Span span) const {
  const uint32_t begin = std::min(span.begin, size());
  return std::string_view(bytes_).substr(begin, std::max(span.end, begin) - begin);
}

void MappedText::append(const MappedText& other) {
  text += other.text;
  at.insert(at.end(), other.at.begin(), other.at.end());
}

MappedText MappedText::part(size_t begin, size_t count) const {
  begin = std::min(begin, text.size());
  const size_t end = begin + std::min(count, text.size() - begin);
  const auto first = at.begin();
  return {text.substr(begin, end - begin),
          {first + static_cast<std::ptrdiff_t>(begin), first + static_cast<std::ptrdiff_t>(end)}};
}

Span MappedText::span() const {
  return at.empty() ? Span{} : Span{at.front(), std::max(at.back(), at.front()) + 1};
}

MappedText mapped(std::string_view bytes, uint32_t begin) {
  MappedText out;
  out.text = bytes;
  out.at.resize(bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) out.at[i] = begin + static_cast<uint32_t>(i);
  return out;
}

std::string edited(std::string_view bytes, std::vector<Edit> edits) {
  std::stable_sort(edits.begin(), edits.end(),
                   [](const Edit& a, const Edit& b) { return a.span.begin < b.span.begin; });
  std::string out;
  uint32_t done = 0;
  for (const Edit& e : edits) {
    if (e.span.begin < done || e.span.end < e.span.begin || e.span.end > bytes.size()) continue;
    out += bytes.substr(done, e.span.begin - done);
    out += e.text;
    done = e.span.end;
  }
  return out += bytes.substr(done);
}

}  // namespace rankdx::lint
