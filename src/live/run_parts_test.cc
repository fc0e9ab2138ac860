// The parts of `rankdx run` that need no process: settings, packing, output that does not wait.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

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
  const RunSettings s = settings_for_run(Profile::Debug, {"vllm", "serve", "m"}, "/l", user);
  EXPECT_EQ(value_of(s, "NCCL_DEBUG_FILE"), "/l/nccl.%h.%p.log");
  EXPECT_EQ(value_of(s, "NCCL_DEBUG"), "(not set)");
  EXPECT_EQ(value_of(s, "TORCH_CPP_LOG_LEVEL"), "(not set)");
  ASSERT_EQ(s.kept.size(), 1u) << "equal values are no news";
  EXPECT_EQ(s.kept[0].name + s.kept[0].value + s.kept[0].profile_value + s.kept[0].where,
            "NCCL_DEBUGWARNINFO/etc/nccl.conf");
  EXPECT_EQ(value_of(s, "RAY_DEDUP_LOGS"), "(not set)");
  const std::vector<std::string> ray = {"vllm", "serve", "m", "--distributed-executor-backend",
                                        "ray"};
  EXPECT_EQ(value_of(settings_for_run(Profile::Debug, ray, "/l", {}), "RAY_DEDUP_LOGS"), "0");
  EXPECT_EQ(
      value_of(settings_for_run(Profile::Debug, {"/x/ray", "job"}, "/l", {}), "RAY_DEDUP_LOGS"),
      "0");
  EXPECT_EQ(value_of(settings_for_run(Profile::Production, {"x"}, "/l", {}), "NCCL_DEBUG"), "WARN");
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
