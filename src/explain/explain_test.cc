#include "explain/explain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "explain/event_words.h"
#include "explain/sources.h"
#include "explain/value_words.h"

namespace rankdx {
namespace {

constexpr std::string_view kRules = R"toml(
[[rule]]
id        = "shm-too-small"
title     = "Shared memory is too small"
severity  = "error"
role      = "root-cause"
confidence = "certain"
layer     = "container"
event     = "nccl.warn"
literal   = ["Error while creating shared memory segment"]
match     = 'Error while creating shared memory segment (?P<segment>\S+)'
explains  = ["rank-process-died"]
cause     = "No room for {segment}; NCCL_SHM_DISABLE does not help."
fix       = [{ for = "docker", text = "Ask for more", command = "docker run --shm-size=16g" }]
source    = ["misc/shmutils.cc"]
bad       = ["node:71:90 [0] misc/shmutils.cc:87 NCCL WARN Error while creating shared memory segment /dev/shm/nccl-A (size 1)"]
good      = ["node:71:90 [0] NCCL INFO MMAP allocated shareable host buffer /dev/shm/nccl-A size 1"]

[[rule]]
id        = "rank-process-died"
title     = "The process of rank {ranks} died"
severity  = "error"
role      = "consequence"
confidence = "likely"
layer     = "framework"
event     = ""
cause     = "It stops without an error."
fix       = [{ for = "any", text = "Look at its exit code" }]
source    = ["structure"]

[[rule]]
id        = "plugin-symbol-absent"
title     = "A plugin lacks an optional symbol"
severity  = "info"
role      = "note"
confidence = "certain"
layer     = "nccl-init"
event     = "nccl"
literal   = ["Failed to find ncclNetPlugin"]
harmless  = "NCCL tries older interfaces of the plugin one by one."
cause     = "The plugin is older than NCCL."
fix       = [{ for = "any", text = "Nothing" }]
source    = ["net.cc"]
bad       = ["node:71:90 [0] NCCL INFO NET/Plugin: Failed to find ncclNetPlugin_v9 symbol."]
)toml";

const RulePack& rules() {
  static const RulePack pack = RulePack::parse_toml(kRules, "test.toml").value();
  return pack;
}

const Section* section(const Page& page, std::string_view key) {
  for (const Section& s : page.sections) {
    if (s.key == key) return &s;
  }
  return nullptr;
}

/// The value of a labelled field; "" without it.
std::string field(const Page& page, std::string_view key, std::string_view label) {
  const Section* s = section(page, key);
  if (s == nullptr) return "";
  for (const auto& row : s->rows) {
    for (const auto& [name, value] : row) {
      if (name == label) return value;
    }
  }
  return "";
}

TEST(Explain, WhatAWordIs) {
  const std::pair<const char*, const char*> cases[] = {
      {"shm-too-small", "finding"},
      {"plugin-symbol-absent", "finding"},
      {"NCCL_DEBUG", "nccl-variable"},
      {"NCCL_DEBUG=INFO", "nccl-variable"},
      {"  NCCL_DEBUG\n", "nccl-variable"},
      {"VLLM_HOST_IP", "vllm-variable"},
      {"--tensor-parallel-size", "vllm-flag"},
      {"tensor-parallel-size", "vllm-flag"},
      {"--tensor-parallel-size=2", "vllm-flag"},
      {"GRAPH", "subsystem"},
      {"ras", "subsystem"},
      {"node:71:90 [0] NCCL INFO Connected all rings", "line"},
      {"two words", "line"},
  };
  for (const auto& [word, kind] : cases) {
    const auto page = explain(word, rules());
    ASSERT_TRUE(page) << word;
    EXPECT_EQ(page->kind, kind) << word;
  }
}

TEST(Explain, UnknownWord) {
  const std::pair<const char*, const char*> cases[] = {
      {"shm-to-small", "did you mean shm-too-small?"},
      {"NCCL_DEBUGG=INFO", "did you mean NCCL_DEBUG?"},
      {"tensor-paralel-size", "did you mean --tensor-parallel-size?"},
      {"--tensor-paralel-size", "did you mean --tensor-parallel-size?"},
      {"qwertzuiop", "rankdx explain --list findings, variables or subsystems shows what there is"},
      {"", "name a finding, a variable, a subsystem, or paste a log line"},
  };
  for (const auto& [word, hint] : cases) {
    const auto page = explain(word, rules());
    ASSERT_FALSE(page) << word;
    EXPECT_EQ(page.error().code, ErrorCode::Usage);
    EXPECT_EQ(page.error().hint, hint) << word;
  }
}

TEST(Explain, Finding) {
  const Page page = *explain("shm-too-small", rules());
  EXPECT_EQ(page_as_text(page, 100, Colour::Never), R"(shm-too-small: Shared memory is too small

  role        root cause
  severity    error
  confidence  certain
  layer       container

What it means
  No room for <segment>; NCCL_SHM_DISABLE does not help.

How it looks
  node:71:90 [0] misc/shmutils.cc:87 NCCL WARN Error while creating shared memory segment /dev/shm/nccl-A (size 1)

What looks alike but is not it
  node:71:90 [0] NCCL INFO MMAP allocated shareable host buffer /dev/shm/nccl-A size 1

What to do
  - docker: Ask for more
      docker run --shm-size=16g

What follows from it
  rank-process-died: The process of rank <ranks> died

Source
  - misc/shmutils.cc
)");
  EXPECT_EQ(field(*explain("rank-process-died", rules()), "caused_by", "finding"), "shm-too-small");
}

TEST(Explain, HarmlessFindingSaysWhy) {
  const Page page = *explain("plugin-symbol-absent", rules());
  EXPECT_EQ(field(page, "class", "role"), "harmless");
  EXPECT_EQ(field(page, "class", "severity"), "");
  EXPECT_EQ(section(page, "harmless")->lines[0],
            "NCCL tries older interfaces of the plugin one by one.");
}

TEST(Explain, Variable) {
  const Page page = *explain("NCCL_SHM_DISABLE=yes", rules());
  EXPECT_EQ(field(page, "facts", "default"), "0");
  EXPECT_EQ(field(page, "findings", "finding"), "shm-too-small");
  EXPECT_EQ(section(page, "value")->lines[0], "\"yes\" is not among the allowed values.");
  EXPECT_EQ(section(*explain("NCCL_SHM_DISABLE", rules()), "value"), nullptr);
}

TEST(Explain, LineWithARule) {
  const Page page = *explain(
      "[pod/vllm-0/vllm] node:71:90 [0] misc/shmutils.cc:87 NCCL WARN Error while creating shared "
      "memory segment "
      "/dev/shm/nccl-A (size 12), error: No space left on device (28)",
      rules());
  EXPECT_EQ(field(page, "prefix", "host"), "node");
  EXPECT_EQ(field(page, "prefix", "process id"), "71");
  EXPECT_EQ(field(page, "prefix", "thread id"), "90");
  EXPECT_EQ(field(page, "prefix", "source file"), "misc/shmutils.cc");
  EXPECT_EQ(field(page, "prefix", "wrapper"), "vllm-0/vllm");
  EXPECT_EQ(field(page, "event", "kind"), "warning");
  EXPECT_EQ(field(page, "rules", "finding"), "shm-too-small");
  EXPECT_EQ(field(page, "rules", "cause"),
            "No room for /dev/shm/nccl-A; NCCL_SHM_DISABLE does not help.");
  EXPECT_EQ(field(page, "messages", "versions"), "2.22.3-2.30.7");
  EXPECT_EQ(section(page, "verdict")->lines[0],
            "A sign of trouble by itself, see the rules that match.");
}

TEST(Explain, Verdicts) {
  const std::pair<const char*, const char*> cases[] = {
      {"node:71:90 [0] NCCL INFO NET/Plugin: Failed to find ncclNetPlugin_v9 symbol.",
       "Harmless: NCCL tries older interfaces of the plugin one by one."},
      {"node:71:90 [0] NCCL INFO misc/socket.cc:575 -> 2",
       "A consequence: look at the warning of the same thread before it."},
      {"node:71:90 [0] NCCL INFO Connected all rings",
       "No rule takes this line for a sign of trouble."},
      {"node:71:90 [0] net.cc:1 NCCL WARN Something new",
       "A warning that no rule judges; whether it matters depends on the lines around it."},
      {"INFO 08-17 engine started", "No rule knows this line. It is no NCCL line."},
  };
  for (const auto& [line, verdict] : cases) {
    EXPECT_EQ(section(*explain(line, rules()), "verdict")->lines[0], verdict) << line;
  }
}

TEST(Explain, Captured) {
  const Page page = *explain(
      "node:71:90 [0] NCCL INFO Channel 01/0 : 2[0] -> 3[1] [send] via NET/Socket/0", rules());
  EXPECT_EQ(field(page, "event", "kind"), "via");
  EXPECT_EQ(field(page, "captured", "from rank"), "2");
  EXPECT_EQ(field(page, "captured", "to rank"), "3");
  EXPECT_EQ(field(page, "captured", "direction"), "send");
  EXPECT_TRUE(section(page, "values")->lines[0].starts_with("Over TCP."));
}

TEST(Explain, SeveralLinesAreBounded) {
  std::string log;
  for (int i = 0; i < 25; ++i) log += "node:71:90 [0] NCCL INFO Connected all rings\n\n";
  const Page page = explain_log(log, rules());
  EXPECT_EQ(page.parts.size(), kMaxExplainedMessages);
  EXPECT_EQ(page.title, "20 messages of 25; rankdx diagnose reads whole logs");
  EXPECT_EQ(explain_log("", rules()).title, "0 messages");
}

TEST(Explain, HostileLineIsMadeSafe) {
  const Page page = explain_log("a\x1b]0;x\x07 `b` <script> \xff\xfe |c|\0d", rules());
  for (const std::string& text :
       {page_as_text(page, 80, Colour::Never), page_as_json(page), page_as_markdown(page)}) {
    EXPECT_TRUE(std::none_of(text.begin(), text.end(),
                             [](char c) { return c == '\x1b' || c == '\x07' || c == '\xff'; }));
  }
  EXPECT_EQ(page_as_markdown(page).find("<script>"), std::string::npos);
}

TEST(Explain, Lists) {
  EXPECT_EQ(explain_list("findings", rules())->title, "3");
  EXPECT_EQ(explain_list("variables", rules())->title, "269");
  EXPECT_EQ(explain_list("subsystems", rules())->title, "19");
  EXPECT_FALSE(explain_list("rules", rules()));
}

/// Each word explains itself, and no word is in two tables.
TEST(Explain, EveryWord) {
  std::set<std::string_view> seen;
  for (std::string_view word : explained_words(rules())) {
    EXPECT_TRUE(seen.insert(word).second) << word;
    const auto page = explain(word, rules());
    ASSERT_TRUE(page) << word;
    EXPECT_EQ(page->name, word);
    EXPECT_FALSE(page->sections.empty()) << word;
  }
}

TEST(EventWords, InOrder) {
  for (int i = 0; i <= static_cast<int>(EventKind::Warn); ++i) {
    EXPECT_EQ(words_of(static_cast<EventKind>(i)).kind, static_cast<EventKind>(i)) << i;
  }
}

TEST(ValueWords, Transports) {
  const std::pair<const char*, const char*> cases[] = {
      {"P2P/CUMEM/read", "Directly between two GPUs of one host, memory shared by the cuMem"},
      {"P2P/IPC", "Directly between two GPUs of one host, memory shared by CUDA IPC"},
      {"SHM/direct/direct", "Through the memory of the host"},
      {"NET/IB/0/GDRDMA", "RDMA (InfiniBand or RoCE), the adapter reads GPU memory"},
      {"NET/IB/0", "RDMA (InfiniBand or RoCE), through host memory"},
      {"NET/Socket/0", "Over TCP"},
      {"NET/AWS Libfabric/0/GDRDMA", "A network plugin, which reads"},
  };
  for (const auto& [transport, says] : cases)
    EXPECT_TRUE(transport_in_words(transport).starts_with(says)) << transport;
  EXPECT_EQ(transport_in_words("XYZ"), "");
  EXPECT_TRUE(result_in_words(6).starts_with("a remote process"));
  EXPECT_EQ(result_in_words(99), "");
}

}  // namespace
}  // namespace rankdx
