#include "launch/tune_in_place.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace rankdx {
namespace {

Seen over_tcp() {
  Seen seen;
  seen.verdict = "healthy";
  seen.nccl_versions = {"2.28.9"};
  seen.links = {{7, 8, "NET/Socket/0", false}};
  return seen;
}

TEST(TuneInPlace, OnlyWhatMustChangeChanges) {
  struct Case {
    const char *name, *text, *want;
  };
  for (const Case& c : {
           Case{"a.sh",
                "runai inference distributed submit a -i vllm/vllm-openai:v0.20.0 \\\n"
                "  -e NCCL_DEBUG=INFO \\\n"
                "  -e NCCL_DEBUG_SUBSYS=ALL \\\n"
                "  -e NCCL_IB_DISABLE=1 \\\n"
                "  -- --model /m -tp 2 --disable-log-requests --max-model-len 8192\n",
                "runai inference distributed submit a -e PYTHONUNBUFFERED=1 -e "
                "NCCL_SOCKET_NTHREADS=4 "
                "-e NCCL_NSOCKS_PERTHREAD=4 -i vllm/vllm-openai:v0.20.0 \\\n"
                "  -e NCCL_DEBUG=WARN \\\n"
                "  -e NCCL_IB_DISABLE=1 \\\n"
                "  -- --model /m -tp 2 --max-model-len 8192\n"},
           Case{"a.yaml",
                "# mine\n"
                "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n"
                "  - name: v\n    image: vllm/vllm-openai:v0.20.0\n"
                "    command: [vllm, serve, /m, --enforce-eager, -tp, \"8\"]\n"
                "    env:\n    - name: NCCL_DEBUG\n      value: INFO\n"
                "    - name: NCCL_P2P_DISABLE   # why?\n      value: \"1\"\n    - name: KEEP\n     "
                " value: \"1\"\n",
                "# mine\n"
                "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n"
                "  - name: v\n    image: vllm/vllm-openai:v0.20.0\n"
                "    command: [vllm, serve, /m, -tp, \"8\"]\n"
                "    env:\n    - name: NCCL_DEBUG\n      value: \"WARN\"\n    - name: KEEP\n      "
                "value: \"1\"\n"
                "    - name: PYTHONUNBUFFERED\n      value: \"1\"\n"
                "    - name: NCCL_SOCKET_NTHREADS\n      value: \"4\"\n"
                "    - name: NCCL_NSOCKS_PERTHREAD\n      value: \"4\"\n"},
       }) {
    const auto tuned = tune_in_place({{c.name, c.text}}, over_tcp(), nullptr);
    ASSERT_TRUE(tuned) << to_string(tuned.error());
    EXPECT_EQ(tuned->files[0].text, c.want);
    const auto again = tune_in_place(tuned->files, over_tcp(), nullptr);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->files[0].text, c.want);
    EXPECT_TRUE(again->changes.empty());
  }
}

TEST(TuneInPlace, MemoryFlagsOfTheFit) {
  const SeenFit fit{"does-not-fit", "too long", {"--max-model-len 4096", "--kv-cache-dtype fp8"}};
  Seen seen = over_tcp();
  seen.links.clear();
  const auto tuned = tune_in_place(
      {{"a.sh", "export PYTHONUNBUFFERED=1\nvllm serve m --max-model-len 8192\n"}}, seen, &fit);
  ASSERT_TRUE(tuned);
  EXPECT_EQ(tuned->files[0].text,
            "export PYTHONUNBUFFERED=1\nvllm serve m --max-model-len 4096 --kv-cache-dtype fp8\n");
  EXPECT_EQ(tuned->changes.size(), 2u);
}

TEST(TuneInPlace, WhatCannotBeEditedIsANote) {
  const auto tuned = tune_in_place({{"c.yaml",
                                     "services:\n  v:\n    image: vllm/vllm-openai:v0.20.0\n    "
                                     "command: --model m\n    environment: {NCCL_DEBUG: INFO}\n"}},
                                   over_tcp(), nullptr);
  ASSERT_TRUE(tuned);
  EXPECT_TRUE(std::any_of(tuned->notes.begin(), tuned->notes.end(), [](const auto& n) {
    return n.starts_with("NCCL_SOCKET_NTHREADS must be set by hand");
  }));
}

TEST(TuneInPlace, NothingThatStartsVllmIsRefused) {
  EXPECT_FALSE(tune_in_place({{"a.sh", "echo hello\n"}}, over_tcp(), nullptr));
  EXPECT_FALSE(tune_in_place({}, over_tcp(), nullptr));
}

}  // namespace
}  // namespace rankdx
