// Rules against the lines that were kept.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "job/facts.h"
#include "rules/rule.h"
#include "scan/literal_set.h"

namespace rankdx {

struct RuleHit {
  const Rule* rule = nullptr;
  const SourceFacts* source = nullptr;
  const Notable* notable = nullptr;
  std::map<std::string, std::string> captures;
};

/// Compiles a rule's expression when its literal first hits. Not thread-safe.
class RuleMatcher {
 public:
  explicit RuleMatcher(const RulePack& pack);
  ~RuleMatcher();
  const RulePack& pack() const;
  /// The literals to keep lines for (SourceFold's gate).
  const LiteralSet& gate() const;
  /// Hits of one kept line. `nccl_version` of the process ("" unknown) gates rules with `versions`.
  void match(const SourceFacts& source, const Notable& notable, std::string_view nccl_version,
             std::vector<RuleHit>& hits);
  /// Hits of all kept lines of all sources, in source and line order.
  std::vector<RuleHit> match_all(const Facts& facts);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rankdx
