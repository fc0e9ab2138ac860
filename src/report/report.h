// One Report, several forms. Everything printed is made safe first: control characters, escape sequences and invalid
// UTF-8 of the input never reach a terminal or a browser.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "base/result.h"
#include "diagnose/diagnose.h"

namespace rankdx {

struct Report {
  Diagnosis diagnosis;
  const Job* job = nullptr;            ///< outlives the report
  std::vector<Error> left_out;         ///< inputs that could not be used, with the reason
};

enum class Colour : uint8_t { Never, Always };
enum class Detail : uint8_t { Brief, Verbose };
enum class Redact : uint8_t { No, Yes };  ///< addresses, host names, user names and tokens replaced by stable pseudonyms

struct TextOptions { Colour colour = Colour::Never; Detail detail = Detail::Brief; int width = 100; };

std::string render_text(const Report& report, const TextOptions& options);
/// Exactly the contract rankdx.diagnosis/1 (schema/diagnosis.schema.json).
std::string render_json(const Report& report);
/// Fits a GitHub issue: under 60,000 characters.
std::string render_markdown(const Report& report);

/// Replaces addresses, host names of the job, tokens, passwords and user names by stable pseudonyms ("host-1", "10.0.0.1" -> "addr-1").
Report redacted(const Report& report, Job& job_storage);

}  // namespace rankdx
