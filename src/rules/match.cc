#include "rules/match.h"

#include <algorithm>

#include "rules/expression.h"
#include "rules/versions.h"

namespace rankdx {
namespace {

bool is_nccl(Level level) { return level != Level::None; }

bool event_fits(const Rule& rule, Level level) {
  if (rule.event.empty()) return true;
  if (rule.event == "text") return !is_nccl(level);
  if (rule.event == "nccl.warn") return level == Level::Warn || level == Level::Abort;
  if (rule.event == "nccl.info")
    return is_nccl(level) && level != Level::Warn && level != Level::Abort;
  return is_nccl(level);
}

bool holds_any(std::string_view text, const std::vector<std::string>& literals) {
  return std::any_of(literals.begin(), literals.end(),
                     [&](const std::string& l) { return text.find(l) != text.npos; });
}

std::string_view version_of(const SourceFacts& source, const Notable& notable) {
  if (notable.process < 0) return {};
  const auto& versions = source.processes[notable.process].versions;
  return versions.empty() ? std::string_view() : std::string_view(versions.back());
}

}  // namespace

struct RuleMatcher::Impl {
  const RulePack& pack;
  LiteralSet gate;
  std::vector<std::unique_ptr<Expression>> expressions;  ///< by rule; made when first wanted
  std::vector<uint32_t> literals, rules;                 ///< scratch

  explicit Impl(const RulePack& p) : pack(p), gate(p.literals()), expressions(p.rules().size()) {}

  const Expression& expression(uint32_t rule) {
    auto& e = expressions[rule];
    if (!e) e = std::make_unique<Expression>(pack.rules()[rule].match);
    return *e;
  }

  /// The rules that name a literal of this text, in pack order.
  void candidates(std::string_view text) {
    literals.clear();
    rules.clear();
    gate.find(text, literals);
    for (uint32_t l : literals) {
      const auto& of = pack.rules_of_literal(l);
      rules.insert(rules.end(), of.begin(), of.end());
    }
    std::sort(rules.begin(), rules.end());
    rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
  }
};

RuleMatcher::RuleMatcher(const RulePack& pack) : impl_(std::make_unique<Impl>(pack)) {}
RuleMatcher::~RuleMatcher() = default;
const RulePack& RuleMatcher::pack() const { return impl_->pack; }
const LiteralSet& RuleMatcher::gate() const { return impl_->gate; }

void RuleMatcher::match(const SourceFacts& source, const Notable& notable,
                        std::string_view nccl_version, std::vector<RuleHit>& hits) {
  impl_->candidates(notable.body);
  const int version = nccl_version_number(nccl_version);
  for (uint32_t index : impl_->rules) {
    const Rule& rule = impl_->pack.rules()[index];
    if (!event_fits(rule, notable.level) || !version_in(rule.versions, version)) continue;
    if (!notable.file.starts_with(rule.source_file)) continue;
    if (holds_any(notable.body, rule.unless_line)) continue;
    RuleHit hit{&rule, &source, &notable, {}};
    if (impl_->expression(index).search(notable.body, hit.captures)) hits.push_back(std::move(hit));
  }
}

std::vector<RuleHit> RuleMatcher::match_all(const Facts& facts) {
  std::vector<RuleHit> hits;
  for (const auto& [key, source] : facts.sources) {
    for (const Notable& n : source.notables) match(source, n, version_of(source, n), hits);
  }
  return hits;
}

}  // namespace rankdx
