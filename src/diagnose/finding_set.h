// Findings while they are being collected: one per id, their words taken from the rule pack.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/finding.h"
#include "rules/rule.h"

namespace rankdx {

/// What a detector or a rule hit says; everything not set comes from the rule pack's definition of
/// the id.
struct Draft {
  std::string id;
  std::map<std::string, std::string> captures;  ///< fill {name} in the definition's texts
  std::vector<Where> where;
  std::vector<Evidence> evidence;
  std::optional<Confidence> confidence;
  std::optional<Role> role;
  std::optional<Severity> severity;
  std::vector<std::string> needs;
  std::vector<std::string> explains;
  const Rule* rule = nullptr;  ///< the rule that hit; nullptr: the definition of the id
};

class FindingSet {
 public:
  static constexpr size_t kMaxEvidence = 12;  ///< lines kept per finding
  static constexpr size_t kMaxWhere = 256;

  explicit FindingSet(const RulePack& pack) : pack_(pack) {}

  /// Adds a draft; a second one of the same id adds its places and lines and can only raise the
  /// confidence.
  void add(Draft draft);
  /// A finding that is made already; of one that is known its places and lines are added.
  void add_finding(Finding finding);
  bool has(std::string_view id) const { return index_.count(std::string(id)) != 0; }
  const Finding* find(std::string_view id) const;
  /// An error that claims to be the cause.
  bool has_error_cause() const;
  std::vector<Finding>& all() { return findings_; }
  const std::vector<Finding>& all() const { return findings_; }
  const RulePack& pack() const { return pack_; }

 private:
  const RulePack& pack_;
  std::vector<Finding> findings_;
  std::map<std::string, size_t> index_;
};

}  // namespace rankdx
