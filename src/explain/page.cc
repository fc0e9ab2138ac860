#include "explain/page.h"

#include <algorithm>
#include <cstdio>

namespace rankdx {
namespace {

/// Length of the well-formed UTF-8 character at the start, 0 when it is none.
size_t utf8_size(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t size = lead < 0x80   ? 1
                      : lead < 0xc2 ? 0
                      : lead < 0xe0 ? 2
                      : lead < 0xf0 ? 3
                      : lead < 0xf5 ? 4
                                    : 0;
  if (size == 0 || size > text.size()) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, beyond U+10FFFF.
  if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) ||
      (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f)) {
    return 0;
  }
  return size;
}

/// C0, DEL and the C1 controls, which some terminals obey (U+0080 to U+009F); U+202A to U+202E and
/// U+2066 to U+2069, which turn the direction of what follows.
bool is_control(std::string_view character) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
  if (character.size() == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;
  if (character.size() != 3 || byte(0) != 0xe2) return false;
  return (byte(1) == 0x80 && byte(2) >= 0xaa && byte(2) <= 0xae) ||
         (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t size = utf8_size(text);
    if (size > 0 && !is_control(text.substr(0, size))) {
      out += text.substr(0, size);
    } else if (text[0] == '\t') {
      out += ' ';
    } else {
      for (unsigned char c : text.substr(0, std::max<size_t>(size, 1))) {
        char code[5];
        std::snprintf(code, sizeof code, "\\x%02x", c);
        out += code;
      }
    }
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  return out;
}

void Page::text(std::string key, std::string heading, std::vector<std::string> paragraphs) {
  std::erase(paragraphs, "");
  if (paragraphs.empty()) return;
  sections.push_back(
      {std::move(key), std::move(heading), Section::Kind::Text, std::move(paragraphs)});
}

void Page::list(std::string key, std::string heading, std::vector<std::string> items) {
  if (items.empty()) return;
  sections.push_back({std::move(key), std::move(heading), Section::Kind::List, std::move(items)});
}

void Page::code(std::string key, std::string heading, std::vector<std::string> code_lines) {
  if (code_lines.empty()) return;
  sections.push_back(
      {std::move(key), std::move(heading), Section::Kind::Code, std::move(code_lines)});
}

void Page::fields(std::string key, std::string heading, std::vector<Field> values) {
  std::erase_if(values, [](const Field& f) { return f.second.empty(); });
  if (values.empty()) return;
  sections.push_back(
      {std::move(key), std::move(heading), Section::Kind::Fields, {}, {std::move(values)}});
}

void Page::records(std::string key, std::string heading, std::vector<std::vector<Field>> values) {
  for (auto& record : values) {
    std::erase_if(record, [](const Field& f) { return f.second.empty(); });
  }
  std::erase_if(values, [](const auto& record) { return record.empty(); });
  if (values.empty()) return;
  sections.push_back(
      {std::move(key), std::move(heading), Section::Kind::Records, {}, std::move(values)});
}

void Page::fix(std::string key, std::string heading, std::vector<Fix> values) {
  if (values.empty()) return;
  sections.push_back(
      {std::move(key), std::move(heading), Section::Kind::Fixes, {}, {}, std::move(values)});
}

}  // namespace rankdx
