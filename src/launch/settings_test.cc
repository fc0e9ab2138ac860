#include "launch/settings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "catalogue/data.h"
#include "catalogue/nccl_variables.h"
#include "launch/serve_args.h"

namespace rankdx {
namespace {

std::set<std::string_view> names_of(std::string_view table) {
  std::set<std::string_view> names;
  for (const TsvRow& row : tsv_rows(data_file(table))) names.insert(row[0]);
  return names;
}

/// Variables of torch, Ray, libfabric, caches and Python, which no table here lists.
bool is_foreign(std::string_view name) {
  for (std::string_view prefix :
       {"TORCH", "RAY_", "FI_", "GLOO_", "HF_", "PYTHON", "TRITON_", "CUDA_"}) {
    if (name.starts_with(prefix)) return true;
  }
  return name == "HOME" || name == "USER" || name == "DO_NOT_TRACK";
}

bool is_known(SettingKind kind, std::string_view name) {
  if (kind == SettingKind::Flag) return names_of("vllm-flags").count(name) > 0;
  return find_nccl_variable(name) || names_of("vllm-envs").count(name) > 0 || is_foreign(name);
}

TEST(Profiles, SortedKnownAndExplained) {
  const auto rows = setting_rows();
  EXPECT_EQ(rows.size(), tsv_rows(data_file("profiles")).size()) << "a row could not be read";
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));
  for (const SettingRow& row : rows) {
    EXPECT_TRUE(is_known(row.kind, row.name)) << row.name;
    EXPECT_GT(row.reason.size(), 10u) << row.name;
    EXPECT_TRUE(row.profile == "debug" || row.profile == "production" || row.profile == "both")
        << row.name;
    if (const NcclVariable* v = find_nccl_variable(row.name);
        v && row.value.find('{') == row.value.npos) {
      EXPECT_TRUE(may_be_value(*v, row.value)) << row.name << "=" << row.value;
    }
  }
}

TEST(Leftovers, SortedKnownAndExplained) {
  std::string_view last;
  for (const TsvRow& row : tsv_rows(data_file("leftovers"))) {
    ASSERT_EQ(row.size(), 6u) << row[0];
    EXPECT_LE(last, row[0]);
    last = row[0];
    EXPECT_TRUE(is_known(row[1] == "flag" ? SettingKind::Flag : SettingKind::Variable, row[0]))
        << row[0];
    EXPECT_TRUE(VersionRange::parse(row[3]) && VersionRange::parse(row[4])) << row[0];
  }
}

TEST(Profiles, DebugChangesNoTransport) {
  for (const SettingRow& row : setting_rows()) {
    if (row.profile != "debug") continue;
    const NcclVariable* v = find_nccl_variable(row.name);
    if (v) {
      EXPECT_TRUE(v->use == VariableUse::Logging || row.name.starts_with("NCCL_DEBUG_"))
          << row.name;
    }
  }
}

struct Case {
  Profile profile;
  const char *nccl, *vllm, *name, *value;  ///< value nullptr: not set
};

TEST(Profiles, ByVersion) {
  for (const Case& c : std::vector<Case>{
           {Profile::Debug, "", "", "NCCL_DEBUG", "INFO"},
           {Profile::Debug, "2.28.9", "", "NCCL_DEBUG_SUBSYS",
            "INIT,BOOTSTRAP,ENV,NET,GRAPH,TUNING"},
           {Profile::Debug, "2.18.5", "", "NCCL_DEBUG_SUBSYS", "INIT,ENV,NET,GRAPH,TUNING"},
           {Profile::Debug, "2.25.1", "", "NCCL_DEBUG_TIMESTAMP_LEVELS", nullptr},
           {Profile::Debug, "2.26.2", "", "NCCL_DEBUG_TIMESTAMP_LEVELS", "INFO,WARN"},
           {Profile::Debug, "2.26.2", "", "NCCL_DEBUG_TIMESTAMP_FORMAT", nullptr},
           {Profile::Debug, "2.13.4", "", "NCCL_DEBUG_FILE", nullptr},
           {Profile::Debug, "2.28.9", "", "NCCL_DEBUG_FILE", "/logs/nccl.%h.%p.log"},
           {Profile::Debug, "", "0.9.1", "VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS", nullptr},
           {Profile::Debug, "", "0.9.2", "VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS", "120"},
           {Profile::Production, "2.28.9", "", "NCCL_DEBUG", "WARN"},
           {Profile::Production, "2.28.9", "", "NCCL_DEBUG_FILE", nullptr},
           {Profile::Production, "", "", "NCCL_SOCKET_NTHREADS", "4"},
           {Profile::Production, "", "0.13.0", "VLLM_ENGINE_READY_TIMEOUT_S", nullptr},
           {Profile::Production, "", "0.14.0", "VLLM_ENGINE_READY_TIMEOUT_S", "3600"}}) {
    LaunchSpec s;
    s.model = "m";
    s.nodes = 2;
    s.profile = c.profile;
    s.nccl_version = c.nccl;
    s.vllm_version = c.vllm;
    s = normalised(s, Launcher::Lws);
    const auto env = environment_for(s, Launcher::Lws);
    const auto found = env.find(c.name);
    EXPECT_EQ(found == env.end() ? "(none)" : found->second, c.value ? c.value : "(none)")
        << c.name << " " << c.nccl << c.vllm;
  }
}

TEST(ServeFlags, ByVersion) {
  EXPECT_TRUE(serve_flag_exists("--nnodes", "0.12.0"));
  EXPECT_FALSE(serve_flag_exists("--nnodes", "0.11.0"));
  EXPECT_TRUE(serve_flag_exists("--nnodes", ""));
  EXPECT_TRUE(serve_flag_is_gone("--disable-log-requests", "0.17.0"));
  EXPECT_FALSE(serve_flag_is_gone("--disable-log-requests", "0.16.0"));
  EXPECT_FALSE(serve_flag_is_gone("--my-plugin-flag", "0.17.0"));
}

}  // namespace
}  // namespace rankdx
