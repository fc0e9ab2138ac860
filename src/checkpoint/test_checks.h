// What the tests of check_model share: options without surprises, and answers as short texts.
#pragma once

#include <string>
#include <string_view>

#include "checkpoint/check_model.h"
#include "checkpoint/test_models.h"

namespace rankdx::test {

inline ModelCheckOptions quiet(const std::string& model) {
  ModelCheckOptions o;
  o.model = model;
  o.environment =
      Environment({{"HOME", "/tmp"}, {"VLLM_NO_USAGE_STATS", "1"}, {"HF_HUB_OFFLINE", "1"}});
  o.identity = {0, 0, {}};
  return o;
}

/// "id file" of each finding that is an error or a warning, one a line.
inline std::string problems_of(const CheckReport& report) {
  std::string text;
  for (const Finding& f : report.findings)
    if (f.severity != Severity::Info) text += f.id + " " + f.evidence.at(0).source + "\n";
  return text;
}

inline std::string notes_of(const CheckReport& report) {
  std::string text;
  for (const Finding& f : report.findings)
    if (f.severity == Severity::Info) text += f.id + " ";
  return text;
}

inline const Finding* finding(const CheckReport& report, std::string_view id) {
  for (const Finding& f : report.findings)
    if (f.id == id) return &f;
  return nullptr;
}

inline CheckReport checked(const ModelCheckOptions& options) {
  return check_model(options).value();
}

inline constexpr const char* kFirst = "model-00001-of-00002.safetensors";
inline constexpr const char* kSecond = "model-00002-of-00002.safetensors";
inline constexpr const char* kIndex = "model.safetensors.index.json";
inline const std::string kSha(64, 'a');
inline const std::string kCommit(40, 'c');

}  // namespace rankdx::test
