#include "catalogue/vllm_variables.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"
#include "catalogue/data.h"
#include "catalogue/nearest.h"

namespace rankdx {
namespace {

constexpr size_t kFactColumns = 10;
constexpr std::array<std::string_view, 4> kClosedFamilies = {"HF_HUB_", "TORCH_NCCL_", "VLLM_",
                                                             "GLOO_"};

LaunchVariableUse use_of(std::string_view word) {
  if (word == "debugging") return LaunchVariableUse::Debugging;
  if (word == "logging") return LaunchVariableUse::Logging;
  if (word == "secret") return LaunchVariableUse::Secret;
  return word == "build" ? LaunchVariableUse::Build : LaunchVariableUse::Configuration;
}

/// vLLM's table holds defaults as Python writes them. They tell the type only where the code
/// converts the text.
ValueRule rule_of_default(std::string_view text) {
  if (text == "True" || text == "False") return {.kind = ValueKind::Switch};
  if (parse_int<int64_t>(text)) return {.kind = ValueKind::Integer};
  if (parse_double(text)) return {.kind = ValueKind::Decimal};
  return {};
}

LaunchVariable of_facts(const TsvRow& row) {
  LaunchVariable v;
  v.name = row[0];
  v.owner = row[1];
  v.values = row[3];
  v.rule = ValueRule::parse(row[2], v.values);
  v.default_value = row[4];
  v.use = use_of(row[6]);
  v.own_of_node = row[7] == "node";
  v.meaning = row[8];
  v.danger = row[9];
  return v;
}

std::vector<LaunchVariable> read_table() {
  std::map<std::string_view, LaunchVariable> all;
  for (const TsvRow& row : tsv_rows(data_file("env-facts"))) {
    if (row.size() == kFactColumns) all[row[0]] = of_facts(row);
  }
  for (const TsvRow& row : tsv_rows(data_file("vllm-envs"))) {
    if (row.size() < 3) continue;
    const auto [at, is_new] = all.try_emplace(row[0]);
    LaunchVariable& v = at->second;
    v.name = row[0];
    if (is_new) v.owner = "vllm";
    if (v.owner == "vllm") {
      v.releases = row[1];
      v.span.emplace(row[1]);
    }
    if (is_new) v.rule = rule_of_default(row[2]);
    if (v.default_value.empty()) v.default_value = row[2];
    if (row.size() > 3) v.default_history = row[3];
  }
  std::vector<LaunchVariable> sorted;
  for (auto& [name, v] : all) sorted.push_back(v);
  return sorted;
}

}  // namespace

std::span<const LaunchVariable> launch_variables() {
  static const std::vector<LaunchVariable> variables = read_table();
  return variables;
}

const LaunchVariable* find_launch_variable(std::string_view name) {
  const auto all = launch_variables();
  const auto at =
      std::lower_bound(all.begin(), all.end(), name,
                       [](const LaunchVariable& v, std::string_view n) { return v.name < n; });
  return at != all.end() && at->name == name ? &*at : nullptr;
}

std::vector<std::string_view> nearest_launch_variables(std::string_view name) {
  const std::string_view family = name.substr(0, name.find('_'));
  std::vector<std::string_view> names;
  for (const LaunchVariable& v : launch_variables()) {
    // The family's own name may be what was mistyped: then the rest must be the same.
    if (v.name.starts_with(family) || v.name.ends_with(name.substr(family.size()))) {
      names.push_back(v.name);
    }
  }
  return nearest(name, names);
}

bool is_closed_family(std::string_view name) {
  return std::any_of(kClosedFamilies.begin(), kClosedFamilies.end(),
                     [&](std::string_view f) { return name.starts_with(f); });
}

}  // namespace rankdx
