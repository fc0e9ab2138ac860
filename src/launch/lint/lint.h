// The judge of launches: what is wrong with a text that starts vLLM, where, and the text that would
// be right. Pure functions over read-only tables: any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "catalogue/version.h"
#include "launch/document/text.h"

namespace rankdx::lint {

enum class Purpose : uint8_t { Production, Debug };
enum class Network : uint8_t { Unknown, Ethernet, Roce, Infiniband, Efa };

struct LintOptions {
  std::optional<Version> vllm, nccl;   ///< nothing: taken from the image's tag, else not known
  Network network = Network::Unknown;  ///< Unknown: as `launch generate` marked the text
  std::optional<Purpose> purpose;      ///< nothing: likewise, else production
};

/// One mistake at one place.
struct Issue {
  std::string_view rule;
  Severity severity = Severity::Warning;
  Confidence confidence = Confidence::Certain;
  Span span;
  std::string detail;       ///< about this place; never holds a secret
  std::vector<Edit> edits;  ///< what would mend it; empty = not by a program
  std::vector<std::string> needs;
  std::vector<std::string> references;
};

struct LintResult {
  std::vector<Issue> issues;        ///< in the order of the text
  std::vector<Span> secrets;        ///< not to be shown
  std::vector<CheckResult> checks;  ///< what was looked at, and what could not be
  bool understood = true;           ///< false: nothing in the text starts vLLM
};

/// `source` must be smaller than kMaxBytes; see lint_report for the judgement of files.
LintResult lint(const SourceText& source, const LintOptions& options);

constexpr size_t kMaxBytes = 64u << 20;

/// The text after all edits that do not need a person, repeated until nothing changes; at most 10
/// times.
std::string fixed(const SourceText& source, const LintOptions& options);

/// In the form of all checks; secrets are masked in the evidence.
CheckReport lint_report(const SourceText& source, const LintResult& result);

}  // namespace rankdx::lint
