// Collects what checks see: a status for everything that was looked at, and a finding with its fix
// for what is wrong. One owner, one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace rankdx {

/// What is wrong and what to do; `finding` is a slug of the taxonomy or a stable one of its own.
struct Problem {
  std::string finding;
  Layer layer = Layer::Container;
  std::string title;
  std::string cause;
  std::vector<Fix> fix;
  Where where = {};
  Confidence confidence = Confidence::Certain;
};

class Checklist {
 public:
  void ok(std::string id, std::string value, std::string source);
  /// Could not be looked at; `why` says what it would take.
  void unknown(std::string id, std::string why, std::string source, std::string value = {});
  void warning(std::string id, std::string value, std::string source, Problem problem);
  void failed(std::string id, std::string value, std::string source, Problem problem);
  /// One more place of the last finding.
  void also_at(Where where) { report_.findings.back().where.push_back(std::move(where)); }
  /// A finding beside the results, without a status of its own.
  void add(Finding finding) { report_.findings.push_back(std::move(finding)); }
  /// A result that another check has made; its finding, if any, comes through add() as well.
  void add(CheckResult result) { report_.checks.push_back(std::move(result)); }

  const std::vector<CheckResult>& checks() const { return report_.checks; }
  const std::vector<Finding>& findings() const { return report_.findings; }

  /// The report: errors first, verdict and a summary of one sentence. `subject` begins it: "this
  /// pod". Empties the list.
  CheckReport take(std::string_view subject);

 private:
  void problem(CheckStatus status, std::string id, std::string value, std::string source,
               Problem problem);

  CheckReport report_;
};

/// "1.5 GiB", "64 MiB", "12 bytes".
std::string bytes_text(uint64_t bytes);

}  // namespace rankdx
