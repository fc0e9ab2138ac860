#include "catalogue/vllm_flags.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "catalogue/data.h"
#include "catalogue/nearest.h"

namespace rankdx {
namespace {

constexpr size_t kFactColumns = 8;

FlagScope scope_of(std::string_view word) {
  if (word == "node") return FlagScope::OwnOfNode;
  return word == "leader" ? FlagScope::LeaderOnly : FlagScope::AllNodes;
}

/// vLLM names its switches so; those that take a value in spite of it stand in flag-facts.tsv.
bool named_like_switch(std::string_view name) {
  return name.starts_with("--enable-") || name.starts_with("--disable-");
}

VllmFlag flag_of(const TsvRow& row, const TsvRow* facts) {
  VllmFlag f{.name = row[0], .releases = row[1], .span = ReleaseSpan(row[1])};
  if (facts != nullptr) {
    f.alias = (*facts)[1];
    f.values = (*facts)[3];
    f.rule = ValueRule::parse((*facts)[2], f.values);
    f.default_value = (*facts)[4];
    f.scope = scope_of((*facts)[5]);
    f.replacement = (*facts)[6];
    f.note = (*facts)[7];
  } else if (named_like_switch(f.name)) {
    f.rule.kind = ValueKind::Switch;
  }
  return f;
}

std::vector<VllmFlag> read_table() {
  std::map<std::string_view, TsvRow> facts;
  for (const TsvRow& row : tsv_rows(data_file("flag-facts"))) {
    if (row.size() == kFactColumns) facts[row[0]] = row;
  }
  std::vector<VllmFlag> flags;
  for (const TsvRow& row : tsv_rows(data_file("vllm-flags"))) {
    if (row.size() < 2) continue;
    const auto at = facts.find(row[0]);
    flags.push_back(flag_of(row, at == facts.end() ? nullptr : &at->second));
  }
  std::sort(flags.begin(), flags.end(),
            [](const VllmFlag& a, const VllmFlag& b) { return a.name < b.name; });
  return flags;
}

const VllmFlag* by_name(std::string_view name) {
  const auto all = vllm_flags();
  const auto at =
      std::lower_bound(all.begin(), all.end(), name,
                       [](const VllmFlag& f, std::string_view n) { return f.name < n; });
  return at != all.end() && at->name == name ? &*at : nullptr;
}

/// argparse as vLLM sets it up takes '_' for '-' in flags.
std::string with_dashes(std::string_view written) {
  std::string name(written.substr(0, written.find_first_of("=.")));
  if (name.starts_with("--")) std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

}  // namespace

std::span<const VllmFlag> vllm_flags() {
  static const std::vector<VllmFlag> flags = read_table();
  return flags;
}

const VllmFlag* find_vllm_flag(std::string_view written) {
  std::string name = with_dashes(written);
  if (!name.starts_with("--")) {
    // "-O3": the level stands behind the letter.
    if (name.starts_with("-O")) name = "-O";
    for (const VllmFlag& f : vllm_flags()) {
      if (!f.alias.empty() && f.alias == name) return &f;
    }
    return nullptr;
  }
  if (const VllmFlag* f = by_name(name)) return f;
  if (!name.starts_with("--no-")) return nullptr;
  const VllmFlag* f = by_name("--" + name.substr(5));
  return f != nullptr && f->rule.kind == ValueKind::Switch ? f : nullptr;
}

std::vector<const VllmFlag*> vllm_flags_that_begin(std::string_view written) {
  std::vector<const VllmFlag*> out;
  const std::string name = with_dashes(written);
  if (name.size() < 4) return out;
  for (const VllmFlag& f : vllm_flags()) {
    if (f.name.starts_with(name)) out.push_back(&f);
  }
  return out;
}

std::vector<std::string_view> nearest_vllm_flags(std::string_view written) {
  std::vector<std::string_view> names;
  for (const VllmFlag& f : vllm_flags()) names.push_back(f.name);
  return nearest(with_dashes(written), names);
}

}  // namespace rankdx
