#include "catalogue/vllm_flags.h"

#include <gtest/gtest.h>

#include "catalogue/data.h"
#include "catalogue/vllm_variables.h"

namespace rankdx {
namespace {

TEST(VllmFlags, TableIsWholeSortedAndEachFactBelongsToAFlag) {
  const auto all = vllm_flags();
  EXPECT_EQ(all.size(), tsv_rows(data_file("vllm-flags")).size());
  for (size_t i = 0; i + 1 < all.size(); ++i) EXPECT_LT(all[i].name, all[i + 1].name);
  std::string_view before;
  for (const TsvRow& row : tsv_rows(data_file("flag-facts"))) {
    ASSERT_EQ(row.size(), 8u) << row[0];
    EXPECT_LT(before, row[0]);
    before = row[0];
    ASSERT_TRUE(find_vllm_flag(row[0])) << row[0];
    if (!row[6].empty()) {
      EXPECT_TRUE(find_vllm_flag(row[6])) << row[0] << " -> " << row[6];
    }
    if (!row[6].empty() && row[6].substr(0, 5) != "--no-") {
      EXPECT_FALSE(find_vllm_flag(row[6])->span.gone()) << row[6];
    }
  }
}

struct Written {
  const char *written, *name;
};

TEST(VllmFlags, AsPeopleWriteThem) {
  const Written cases[] = {
      {"--tensor-parallel-size", "--tensor-parallel-size"},
      {"--tensor_parallel_size", "--tensor-parallel-size"},
      {"-tp", "--tensor-parallel-size"},
      {"--tensor-parallel-size=8", "--tensor-parallel-size"},
      {"--no-enable-prefix-caching", "--enable-prefix-caching"},
      {"--kv-transfer-config.kv_role", "--kv-transfer-config"},
      {"-O3", "--optimization-level"},
      {"--no-tensor-parallel-size", nullptr},
      {"--tensor-parallel", nullptr},
      {"--max-model-lenght", nullptr},
      {"-x", nullptr},
  };
  for (const Written& c : cases) {
    const VllmFlag* f = find_vllm_flag(c.written);
    EXPECT_EQ(f == nullptr ? "" : f->name, c.name == nullptr ? "" : c.name) << c.written;
  }
  EXPECT_EQ(vllm_flags_that_begin("--tensor-parallel").size(), 1u);
  EXPECT_GT(vllm_flags_that_begin("--max").size(), 1u);
  EXPECT_EQ(nearest_vllm_flags("--max-model-lenght").at(0), "--max-model-len");
}

struct In {
  const char *flag, *version;
  Presence presence;
};

TEST(VllmFlags, Presence) {
  const In cases[] = {
      {"--disable-log-requests", "0.6.0", Presence::Present},
      {"--disable-log-requests", "0.16.0", Presence::Present},
      {"--disable-log-requests", "0.16.1", Presence::Unclear},
      {"--disable-log-requests", "0.17.0", Presence::Absent},
      {"--disable-log-requests", "0.26.0", Presence::Absent},
      {"--nnodes", "0.11.1", Presence::Absent},
      {"--nnodes", "0.11.2", Presence::Unclear},
      {"--nnodes", "0.12.0", Presence::Present},
      {"--nnodes", "0.26.0", Presence::Present},
      {"--worker-use-ray", "0.7.0", Presence::Absent},
      {"--model", "0.5.0", Presence::Unclear},
  };
  for (const In& c : cases) {
    EXPECT_EQ(find_vllm_flag(c.flag)->span.presence(*parse_version(c.version)), c.presence)
        << c.flag << " in " << c.version;
  }
  EXPECT_EQ(find_vllm_flag("--disable-log-requests")->span.gone_in(), "0.17.0");
}

struct Value {
  const char *flag, *value, *complaint;
};

TEST(VllmFlags, Values) {
  const Value cases[] = {
      {"--tensor-parallel-size", "8", ""},
      {"--tensor-parallel-size", "eight", "is no integer"},
      {"--tensor-parallel-size", "0", "is less than 1"},
      {"--port", "70000", "is more than 65535"},
      {"--gpu-memory-utilization", "0.92", ""},
      {"--gpu-memory-utilization", "92", "is more than 1"},
      {"--max-model-len", "128k", ""},
      {"--max-model-len", "auto", ""},
      {"--max-model-len", "long", "is no number of tokens or bytes"},
      {"--block-size", "17", "is not one of 1, 8, 16, 32, 64, 128, 256, 512"},
      {"--distributed-executor-backend", "ray", ""},
      {"--distributed-executor-backend", "my.module.Executor", ""},
      {"--distributed-executor-backend", "rey", "is not one of mp, ray, uni, external_launcher"},
      {"--kv-transfer-config", "{\"a\": 1}", ""},
      {"--kv-transfer-config", "{\"a\": 1", "is no whole JSON object"},
      {"--served-model-name", "anything", ""},
  };
  for (const Value& c : cases) {
    EXPECT_EQ(find_vllm_flag(c.flag)->rule.complaint(c.value).value_or(""), c.complaint)
        << c.flag << " " << c.value;
  }
}

TEST(LaunchVariables, TableIsWholeAndSorted) {
  const auto all = launch_variables();
  for (size_t i = 0; i + 1 < all.size(); ++i) EXPECT_LT(all[i].name, all[i + 1].name);
  for (const TsvRow& row : tsv_rows(data_file("vllm-envs"))) {
    ASSERT_TRUE(find_launch_variable(row[0])) << row[0];
  }
  std::string_view before;
  for (const TsvRow& row : tsv_rows(data_file("env-facts"))) {
    ASSERT_EQ(row.size(), 10u) << row[0];
    EXPECT_LT(before, row[0]);
    before = row[0];
    ASSERT_TRUE(find_launch_variable(row[0])) << row[0];
  }
}

TEST(LaunchVariables, TypesOfDefaults) {
  EXPECT_EQ(find_launch_variable("VLLM_USE_DEEP_GEMM")->rule.kind, ValueKind::Switch);
  EXPECT_EQ(find_launch_variable("VLLM_MAX_N_SEQUENCES")->rule.kind, ValueKind::Integer);
  EXPECT_EQ(find_launch_variable("VLLM_NVFP4_GEMM_BACKEND")->rule.kind, ValueKind::Any);
  EXPECT_EQ(find_launch_variable("HF_TOKEN")->use, LaunchVariableUse::Secret);
  EXPECT_TRUE(find_launch_variable("VLLM_HOST_IP")->own_of_node);
  EXPECT_EQ(find_launch_variable("VLLM_NOTHING"), nullptr);
  EXPECT_EQ(nearest_launch_variables("HF_HUB_OFLINE").at(0), "HF_HUB_OFFLINE");
  EXPECT_EQ(nearest_launch_variables("VLM_HOST_IP").at(0), "VLLM_HOST_IP");
}

}  // namespace
}  // namespace rankdx
