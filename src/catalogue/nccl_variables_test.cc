#include "catalogue/nccl_variables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "catalogue/data.h"

namespace rankdx {
namespace {

using Names = std::vector<std::string_view>;

TEST(NcclVariables, TableIsWholeAndSorted) {
  EXPECT_EQ(nccl_variables().size(), tsv_rows(data_file("env-vars")).size());
  EXPECT_EQ(nccl_variables().size(), 269u);
  const auto all = nccl_variables();
  for (size_t i = 0; i + 1 < all.size(); ++i) EXPECT_LT(all[i].name, all[i + 1].name);
  for (const NcclVariable& v : all) {
    EXPECT_TRUE(v.name.starts_with("NCCL_")) << v.name;
    EXPECT_FALSE(v.summary.empty()) << v.name;
    EXPECT_FALSE(v.default_value.empty()) << v.name;
    EXPECT_EQ(find_nccl_variable(v.name), &v);
  }
}

TEST(NcclVariables, Fields) {
  const NcclVariable* v = find_nccl_variable("NCCL_CUMEM_ENABLE");
  ASSERT_TRUE(v);
  EXPECT_EQ(v->type, VariableType::Number);
  EXPECT_EQ(v->use, VariableUse::Debugging);
  EXPECT_EQ(v->default_value, "-2 (auto on since 2.19; 0 in 2.18)");
  EXPECT_EQ(v->first_version, "2.18.1");
  EXPECT_EQ(v->last_version, "");
  EXPECT_EQ(v->allowed.words, (Names{"0", "1"}));
  EXPECT_EQ(v->danger, "0 changes transport names and connects at init");
  EXPECT_EQ(find_nccl_variable("NCCL_DEBUG")->use, VariableUse::Logging);
  EXPECT_EQ(find_nccl_variable("NCCL_IB_HCA")->use, VariableUse::Configuration);
  EXPECT_EQ(find_nccl_variable("NCCL_CHUNK_SIZE")->use, VariableUse::Internal);
  EXPECT_EQ(find_nccl_variable("NCCL_NOTHING"), nullptr);
}

struct InVersion {
  const char *name, *version;
  bool exists;
};

TEST(NcclVariables, Releases) {
  const InVersion cases[] = {
      {"NCCL_CUMEM_ENABLE", "2.17.1", false},
      {"NCCL_CUMEM_ENABLE", "2.18.5+cuda12.2", true},
      {"NCCL_MNNVL", "2.20.5", true},
      {"NCCL_MNNVL", "2.21.5", false},
      {"NCCL_DEBUG", "2.3.5", true},
      {"NCCL_DEBUG", "2.30.7", true},
      {"NCCL_TREE_THRESHOLD", "2.4.8", true},
      {"NCCL_TREE_THRESHOLD", "2.5.6", false},
      {"NCCL_CHECKS_DISABLE", "2.18.5", false},
  };
  for (const InVersion& c : cases) {
    EXPECT_EQ(find_nccl_variable(c.name)->exists_in(*parse_version(c.version)), c.exists)
        << c.name << c.version;
  }
}

TEST(NcclVariables, Nearest) {
  EXPECT_EQ(nearest_nccl_variables("NCCL_SOCKET_IFNMAE").front(), "NCCL_SOCKET_IFNAME");
  EXPECT_EQ(nearest_nccl_variables("NCCL_IB_DISABLED").front(), "NCCL_IB_DISABLE");
  EXPECT_EQ(nearest_nccl_variables("nccl_debug").front(), "NCCL_DEBUG");
  EXPECT_EQ(nearest_nccl_variables("NCCL_COMPLETELY_DIFFERENT"), (Names{}));
  EXPECT_EQ(nearest_nccl_variables("GLOO_SOCKET_IFNAME").size(), 0u);
}

struct Value {
  const char *name, *value;
  bool good;
};

TEST(NcclVariables, Values) {
  const Value cases[] = {
      {"NCCL_IB_DISABLE", "1", true},
      {"NCCL_IB_DISABLE", "true", false},
      {"NCCL_IB_DISABLE", "", false},
      {"NCCL_IB_TC", "106", true},
      {"NCCL_IB_TC", "256", false},
      {"NCCL_IB_TC", "-1", false},
      {"NCCL_SOCKET_NTHREADS", "99", true},
      {"NCCL_SOCKET_NTHREADS", "x", false},
      {"NCCL_NTHREADS", "256", true},
      {"NCCL_NTHREADS", "257", false},
      {"NCCL_SOCKET_FAMILY", "af_inet", true},
      {"NCCL_SOCKET_FAMILY", "inet", false},
      {"NCCL_NET_PLUGIN", "libfoo.so", true},
      {"NCCL_IB_TIMEOUT", "40", true},
      {"NCCL_SOCKET_IFNAME", "eth0", true},
      {"NCCL_DEBUG", "info", true},
      {"NCCL_DEBUG", "DEBUG", false},
      {"NCCL_MAX_NCHANNELS", "0", false},
      {"NCCL_WARN_ENABLE_DEBUG_INFO", "TRUE", true},
  };
  for (const Value& c : cases) {
    EXPECT_EQ(may_be_value(*find_nccl_variable(c.name), c.value), c.good)
        << c.name << "=" << c.value;
  }
}

}  // namespace
}  // namespace rankdx
