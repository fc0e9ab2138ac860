// Logs to every form of the answer: whatever a log holds, the forms are valid UTF-8, steer no
// terminal, and JSON is JSON.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "job/fold.h"
#include "present/safe_text.h"
#include "report/report.h"

namespace {

using namespace rankdx;

void expect_safe(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (safe_text(text) != text) std::abort();
}

void render_all(const Report& report) {
  for (int width : {0, 80}) {
    expect_safe(render_text(report, {Colour::Never, Detail::Verbose, width}));
    expect_safe(render_text(report, {Colour::Never, Detail::Brief, width}));
  }
  const std::string markdown = render_markdown(report), json = render_json(report),
                    sarif = render_sarif(report);
  if (markdown.size() >= 60'000 || !nlohmann::json::accept(json) || !nlohmann::json::accept(sarif))
    std::abort();
  for (const std::string& text :
       {markdown, json, sarif, render_junit(report), render_prometheus(report)})
    expect_safe(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const RulePack pack = builtin_rules();
  static RuleMatcher matcher(pack);  // its expressions are compiled once
  std::string_view text(reinterpret_cast<const char*>(data), size);
  SourceFold fold("fuzz.log", matcher.gate());
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    fold.line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  Facts facts;
  SourceFacts source = fold.finish(size, 0, false, "");
  facts.sources.emplace(std::make_pair(source.name, source.fingerprint), std::move(source));
  const Job job = assemble(facts);
  const Report report{diagnose(facts, job, matcher), &job, {}, {}};
  render_all(report);
  Job hidden;
  render_all(redacted(report, hidden));
  return 0;
}
