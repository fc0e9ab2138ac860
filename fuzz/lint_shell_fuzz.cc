// Shell text and environments of any bytes: words point into the text, edits stay inside, mending
// ends.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "launch/document/shell.h"
#include "launch/lint/lint.h"
#include "launch/lint/lint_text.h"

namespace {

using namespace rankdx::lint;

void expect_inside(Span span, uint32_t size) {
  if (span.end < span.begin || span.end > size) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const SourceText source("fuzz.sh", std::string(reinterpret_cast<const char*>(data), size));
  const ShellScript script = parse_shell(mapped(source.bytes()));
  for (const ShellCommand& c : script.commands) {
    for (const ShellWord& w : c.words) {
      expect_inside(w.span, source.size());
      if (w.value.at.size() != w.value.text.size()) std::abort();
    }
  }
  for (const ShellProblem& p : script.problems) expect_inside(p.span, source.size());
  const LintResult result = lint(source, {});
  for (const Issue& i : result.issues) {
    for (const Edit& e : i.edits) expect_inside(e.span, source.size());
  }
  const std::string text = lint_text(lint_report(source, result), {});
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n') || byte == 0x7f) std::abort();
  }
  fixed(source, {});
  return 0;
}
