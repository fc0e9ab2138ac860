// YAML of any bytes: nodes point into the file, scalars know the place of each byte, mending ends.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "launch/document/yaml.h"
#include "launch/lint/lint.h"
#include "launch/lint/lint_text.h"

namespace {

using namespace rankdx::lint;

void walk(const YamlNode& node, uint32_t size, int& budget) {
  if (--budget < 0) return;
  const Span span = node.span();
  if (span.end < span.begin || span.begin > size || span.end > size + 1) std::abort();
  const MappedText text = node.mapped();
  if (text.at.size() != text.text.size()) std::abort();
  for (uint32_t at : text.at) {
    if (at > size) std::abort();
  }
  for (const YamlNode& item : node.items()) walk(item, size, budget);
  for (const auto& [key, value] : node.members()) {
    walk(key, size, budget);
    walk(value, size, budget);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const SourceText source("fuzz.yaml", std::string(reinterpret_cast<const char*>(data), size));
  const YamlStream stream(source);
  int budget = 10'000;
  for (const YamlNode& doc : stream.documents()) walk(doc, source.size(), budget);
  const LintResult result = lint(source, {});
  const std::string text = lint_text(lint_report(source, result), {});
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n') || byte == 0x7f) std::abort();
  }
  fixed(source, {});
  return 0;
}
