// The packed form: magic, version, then every rule's fields in the order of fields(), as
// job/archive.h writes them.
#include <algorithm>
#include <map>

#include "job/archive.h"
#include "rules/rule.h"

namespace rankdx {
namespace {

constexpr std::string_view kMagic = "RDXR";
constexpr uint64_t kVersion = 2;

void visit(ArchiveWriter& a, const std::string& v) { a.text(v); }
void visit(ArchiveReader& a, std::string& v) { v = a.text(); }
void visit(ArchiveWriter& a, const int& v) { a.number(zigzag(v)); }
void visit(ArchiveReader& a, int& v) { v = static_cast<int>(unzigzag(a.number())); }

template <class Enum>
requires std::is_enum_v<Enum>
void visit(ArchiveWriter& a, const Enum& v) { a.number(static_cast<uint64_t>(v)); }
template <class Enum>
requires std::is_enum_v<Enum>
void visit(ArchiveReader& a, Enum& v) { v = static_cast<Enum>(a.number()); }

template <class A, class F>
requires std::is_same_v<std::remove_const_t<F>, Fix>
void visit(A& a, F& fix) {
  visit(a, fix.for_);
  visit(a, fix.text);
  visit(a, fix.command);
}

template <class A, class R>
requires std::is_same_v<std::remove_const_t<R>, Rival>
void visit(A& a, R& rival) {
  visit(a, rival.id);
  visit(a, rival.ask);
}

template <class T>
void visit(ArchiveWriter& a, const std::vector<T>& list) {
  a.number(list.size());
  for (const T& item : list) visit(a, item);
}
template <class T>
void visit(ArchiveReader& a, std::vector<T>& list) {
  const uint64_t n = a.count();
  for (uint64_t i = 0; i < n && !a.failed(); ++i) visit(a, list.emplace_back());
}

template <class A, class R>
void fields(A& a, R& r) {
  auto all = [&](auto&... field) { (visit(a, field), ...); };
  all(r.id, r.variant, r.title, r.severity, r.role, r.confidence, r.layer, r.versions, r.event,
      r.source_file, r.literals, r.match, r.at_least, r.last_lines, r.unless, r.unless_line,
      r.explains, r.guilty, r.harmless, r.cause, r.fix, r.needs, r.references, r.source, r.bad,
      r.good, r.file, r.settled_by, r.rivals);
}

bool in_range(const Rule& r) {
  return r.severity <= Severity::Info && r.role <= Role::Note &&
         r.confidence <= Confidence::Possible && r.layer <= Layer::Orchestrator &&
         r.guilty <= Guilty::None;
}

}  // namespace

std::string RulePack::pack() const {
  ArchiveWriter a;
  a.number(kVersion);
  a.number(rules_.size());
  for (const Rule& r : rules_) fields(a, r);
  return std::string(kMagic) + a.take();
}

Result<RulePack> RulePack::unpack(std::string_view bytes) {
  auto broken = [] {
    return fail(ErrorCode::Corrupt, "this rule pack is damaged", "",
                "build it again from rules/*.toml");
  };
  if (!bytes.starts_with(kMagic)) return broken();
  ArchiveReader a(bytes.substr(kMagic.size()));
  if (a.number() != kVersion) return broken();
  RulePack pack;
  const uint64_t n = a.count();
  for (uint64_t i = 0; i < n && !a.failed(); ++i) {
    Rule& rule = pack.rules_.emplace_back();
    fields(a, rule);
    if (!in_range(rule)) return broken();
  }
  if (a.failed() || !a.at_end()) return broken();
  return pack;
}

void RulePack::add(RulePack other) {
  for (Rule& fresh : other.rules_) {
    auto same = [&](const Rule& r) { return r.id == fresh.id && r.variant == fresh.variant; };
    auto at = std::find_if(rules_.begin(), rules_.end(), same);
    if (at == rules_.end()) {
      rules_.push_back(std::move(fresh));
    } else {
      *at = std::move(fresh);
    }
  }
  literals_.clear();
  by_literal_.clear();
}

const Rule* RulePack::definition(std::string_view id) const {
  const Rule* named = nullptr;
  for (const Rule& r : rules_) {
    if (r.id != id || r.title.empty()) continue;
    if (r.variant.empty()) return &r;
    if (!named) named = &r;
  }
  return named;
}

const Rule* RulePack::find(std::string_view id, std::string_view variant) const {
  for (const Rule& r : rules_) {
    if (r.id == id && r.variant == variant) return &r;
  }
  return nullptr;
}

void RulePack::index_literals() const {
  std::map<std::string, std::vector<uint32_t>> rules_of;
  for (uint32_t i = 0; i < rules_.size(); ++i) {
    for (const std::string& literal : rules_[i].literals) rules_of[literal].push_back(i);
  }
  for (auto& [literal, rules] : rules_of) {
    literals_.push_back(literal);
    by_literal_.push_back(std::move(rules));
  }
}

const std::vector<std::string>& RulePack::literals() const {
  if (literals_.empty()) index_literals();
  return literals_;
}

const std::vector<uint32_t>& RulePack::rules_of_literal(uint32_t literal) const {
  if (by_literal_.empty()) index_literals();
  return by_literal_[literal];
}

}  // namespace rankdx
