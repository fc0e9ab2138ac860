#include "explain/page.h"

#include <utility>

namespace rankdx {

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
