#include "catalogue/data.h"

#include <array>

#include "base/text.h"

#define RANKDX_EMBEDDED(symbol) \
  extern "C" const char rankdx_data_##symbol##_begin[], rankdx_data_##symbol##_end[];
RANKDX_EMBEDDED(env_facts)
RANKDX_EMBEDDED(env_vars)
RANKDX_EMBEDDED(flag_facts)
RANKDX_EMBEDDED(info_events)
RANKDX_EMBEDDED(leftovers)
RANKDX_EMBEDDED(profiles)
RANKDX_EMBEDDED(versions)
RANKDX_EMBEDDED(vllm_envs)
RANKDX_EMBEDDED(vllm_flags)
RANKDX_EMBEDDED(warn_catalogue)

namespace rankdx {
namespace {

struct Table {
  std::string_view name;
  const char *begin, *end;
};

}  // namespace

std::string_view data_file(std::string_view name) {
  static const std::array<Table, 10> tables = {{
      {"env-facts", rankdx_data_env_facts_begin, rankdx_data_env_facts_end},
      {"env-vars", rankdx_data_env_vars_begin, rankdx_data_env_vars_end},
      {"flag-facts", rankdx_data_flag_facts_begin, rankdx_data_flag_facts_end},
      {"info-events", rankdx_data_info_events_begin, rankdx_data_info_events_end},
      {"leftovers", rankdx_data_leftovers_begin, rankdx_data_leftovers_end},
      {"profiles", rankdx_data_profiles_begin, rankdx_data_profiles_end},
      {"versions", rankdx_data_versions_begin, rankdx_data_versions_end},
      {"vllm-envs", rankdx_data_vllm_envs_begin, rankdx_data_vllm_envs_end},
      {"vllm-flags", rankdx_data_vllm_flags_begin, rankdx_data_vllm_flags_end},
      {"warn-catalogue", rankdx_data_warn_catalogue_begin, rankdx_data_warn_catalogue_end},
  }};
  for (const Table& t : tables) {
    if (t.name == name) return {t.begin, static_cast<size_t>(t.end - t.begin)};
  }
  return {};
}

std::vector<TsvRow> tsv_rows(std::string_view table) {
  std::vector<TsvRow> rows;
  std::string_view rest;
  take_until(table, '\n', rest);
  while (!rest.empty()) {
    const std::string_view line = take_until(rest, '\n', rest);
    if (!line.empty()) rows.push_back(split(line, '\t'));
  }
  return rows;
}

}  // namespace rankdx
