// The parts of `rankdx run` that need no process: settings, packing, output that does not wait.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "input/input.h"
#include "live/pack_logs.h"
#include "live/run_settings.h"
#include "live/slow_writer.h"

namespace rankdx {
namespace {

std::string value_of(const RunSettings& s, const std::string& name) {
  const auto it =
      std::find_if(s.set.begin(), s.set.end(), [&](const auto& v) { return v.first == name; });
  return it == s.set.end() ? "(not set)" : it->second;
}

TEST(RunSettings, ProfileWithoutWhatTheUserSet) {
  const UserSettings user = {{"NCCL_DEBUG", {"WARN", "/etc/nccl.conf"}},
                             {"TORCH_CPP_LOG_LEVEL", {"INFO", "the environment"}}};
  const RunSettings s = settings_for_run(Profile::Debug, {"vllm", "serve", "m"}, "", "/l", user);
  EXPECT_EQ(value_of(s, "NCCL_DEBUG_FILE"), "/l/nccl.%h.%p.log");
  EXPECT_EQ(value_of(s, "NCCL_DEBUG"), "(not set)");
  EXPECT_EQ(value_of(s, "TORCH_CPP_LOG_LEVEL"), "(not set)");
  ASSERT_EQ(s.kept.size(), 1u) << "equal values are no news";
  EXPECT_EQ(s.kept[0].name + s.kept[0].value + s.kept[0].profile_value + s.kept[0].where,
            "NCCL_DEBUGWARNINFO/etc/nccl.conf");
  EXPECT_EQ(value_of(s, "RAY_DEDUP_LOGS"), "(not set)");
  const std::vector<std::string> ray = {"vllm", "serve", "m", "--distributed-executor-backend",
                                        "ray"};
  EXPECT_EQ(value_of(settings_for_run(Profile::Debug, ray, "", "/l", {}), "RAY_DEDUP_LOGS"), "0");
  EXPECT_EQ(
      value_of(settings_for_run(Profile::Debug, {"/x/ray", "job"}, "", "/l", {}), "RAY_DEDUP_LOGS"),
      "0");
  EXPECT_EQ(value_of(settings_for_run(Profile::Production, {"x"}, "", "/l", {}), "NCCL_DEBUG"),
            "WARN");
}

/// What is added, else what is kept, else why nothing is.
std::string flags_of(const std::string& line, const std::string& version) {
  std::vector<std::string> command;
  for (std::string_view word : split(line, ' ')) command.emplace_back(word);
  const RunSettings s = settings_for_run(Profile::Debug, command, version, "/l", {});
  if (!s.flags.empty()) return join(s.flags, " ");
  for (const KeptSetting& k : s.kept) return k.where + " has " + k.name + " " + k.value;
  return s.why_no_flags.substr(0, s.why_no_flags.find(':'));
}

TEST(RunSettings, FlagsForVllmOnly) {
  const std::string two = " serve m --nnodes 2", added = "--distributed-timeout-seconds 300";
  const std::string own = "the command has --distributed-timeout-seconds ";
  const std::vector<std::array<std::string, 3>> cases = {
      {"vllm" + two, "0.18.0", added},
      {"/venv/bin/vllm" + two, "0.30.1", added},
      {"python3 -u -X dev -m vllm.entrypoints.openai.api_server --nnodes=2", "0.18.0", added},
      {"vllm" + two, "0.17.1", ""},
      {"vllm serve m", "0.18.0", ""},
      {"vllm bench --nnodes 2", "0.18.0", ""},
      {"numactl -N 0 vllm" + two, "0.18.0", ""},
      {"python3 start.py -m vllm.entrypoints.openai.api_server --nnodes 2", "0.18.0", ""},
      {"vllm" + two, "", "the release of vLLM is not known"},
      {"vllm" + two, "nightly", "the release of vLLM is not known"},
      {"vllm" + two + " --config a.yaml", "0.18.0",
       "--config FILE may set them, and flags of the command line win over it"},
      {"vllm" + two + " --", "0.18.0", "what stands behind -- are no flags"},
      {"vllm" + two + " --distributed-timeout-seconds 900", "0.18.0", own + "900"},
      {"vllm" + two + " --distributed_timeout_seconds=60", "0.18.0", own + "60"},
      {"vllm" + two + " --distributed-time 60", "0.18.0", own + "60"},
      {"vllm" + two + " --distributed-timeout-seconds 300", "0.18.0", ""},
  };
  for (const auto& [line, version, want] : cases) EXPECT_EQ(flags_of(line, version), want) << line;
}

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::temp_directory_path() /
           ("rankdx-run-" + std::to_string(::getpid()) +
            testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(dir_);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
  }
  std::filesystem::path dir_;
};

using InstalledVllm = Folder;
TEST_F(InstalledVllm, BesideTheProgram) {
  const auto package = [&](const std::string& name) {
    std::filesystem::create_directories(dir_ / "venv/lib/python3.12/site-packages" / name);
  };
  std::filesystem::create_directories(path("venv/bin"));
  write("venv/bin/vllm", "#!/bin/sh\n");
  package("vllm_flash_attn-2.0.dist-info");
  package("vllm");
  const std::string dirs = "/nowhere:" + path("venv/bin");
  EXPECT_EQ(installed_vllm("vllm", dirs, HostView()), "");
  package("vllm-0.18.0+cu129.dist-info");
  EXPECT_EQ(installed_vllm("vllm", dirs, HostView()), "0.18.0+cu129");
  EXPECT_EQ(installed_vllm(path("venv/bin/python"), "", HostView()), "0.18.0+cu129");
  EXPECT_EQ(installed_vllm("python", dirs, HostView()), "") << "not in PATH";
  package("vllm-0.17.0.dist-info");
  EXPECT_EQ(installed_vllm("vllm", dirs, HostView()), "") << "which of the two?";
}

using PackLogs = Folder;
TEST_F(PackLogs, WholeOrAsTheyWere) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "line " + std::to_string(i) + "\n";
  write("a.log", text);
  write("empty.log", "");
  write("run.json", "{}");
  write("taken.log", "x\n");
  std::filesystem::create_directories(path("taken.log.zst/in-the-way"));
  const PackedLogs packed = pack_logs(dir_.string());
  EXPECT_EQ(packed.files, 1u);
  EXPECT_EQ(packed.bytes, text.size());
  EXPECT_LT(packed.packed_bytes, text.size() / 3);
  ASSERT_EQ(packed.failed.size(), 1u);
  EXPECT_TRUE(std::filesystem::exists(path("taken.log")));
  EXPECT_FALSE(std::filesystem::exists(path("taken.log.zst.part")));
  EXPECT_TRUE(std::filesystem::exists(path("run.json")));
  EXPECT_FALSE(std::filesystem::exists(path("a.log")));
  std::string back;
  std::vector<LeftOut> left_out;
  open_input(
      {path("a.log.zst")},
      [&](InputItem item) {
        LineReader reader(*item.bytes);
        (void)reader.for_each_line(
            [&](std::string_view line) { back += std::string(line) + "\n"; });
      },
      left_out);
  EXPECT_TRUE(back == text);
}

using SlowOutput = Folder;
TEST_F(SlowOutput, APipeThatNobodyReads) {
  ::signal(SIGPIPE, SIG_IGN);
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  std::string text;
  while (text.size() < (1 << 20)) text += "line " + std::to_string(text.size()) + "\n";
  write("log", text);
  SlowWriter out(fds[1]);
  FileShow show(path("log"), out);
  EXPECT_TRUE(show.step());
  EXPECT_FALSE(show.step()) << "full";
  EXPECT_FALSE(show.done());
  EXPECT_EQ(::fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0) << "the shared open file stays as it is";
  std::string got;
  char block[8192];
  while (got.size() < text.size()) {
    const ssize_t n = ::read(fds[0], block, sizeof block);
    ASSERT_GT(n, 0);
    got.append(block, static_cast<size_t>(n));
    show.step();
  }
  EXPECT_TRUE(got == text);
  EXPECT_TRUE(show.done());
  SlowLines words(out);
  ::close(fds[0]);
  words.say("to nobody\n");
  EXPECT_TRUE(out.gone());
  words.step();
  EXPECT_TRUE(words.empty());
  ::close(fds[1]);
}

}  // namespace
}  // namespace rankdx
