#include "live/file_follower.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace rankdx {
namespace {

class FollowerTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::temp_directory_path() /
           ("rankdx_follow_" + std::to_string(::getpid()) +
            testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(dir_);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  void append(const std::string& name, std::string_view text) const {
    std::ofstream(path(name), std::ios::app) << text;
  }
  static std::string lines(FileFollower& follower) {
    std::string out;
    while (follower.poll([&](const std::string&, std::string_view line, double) {
      out += std::string(line.substr(0, 20)) + "|";
    })) {
    }
    return out;
  }
  std::filesystem::path dir_;
};

TEST_F(FollowerTest, GrowsAppearsAndRotates) {
  FileFollower f({path("log")});
  EXPECT_EQ(lines(f), "");
  EXPECT_EQ(f.losses().size(), 1u);
  append("log", "one\ntw");
  EXPECT_EQ(lines(f), "one|");
  EXPECT_EQ(f.losses().size(), 0u);
  append("log", "o\n\nthree\nlast of the old");
  std::filesystem::rename(path("log"), path("log.1"));
  EXPECT_EQ(lines(f), "two||three|");
  append("log.1", " one\n");
  append("log", "four\n");
  EXPECT_EQ(lines(f), "last of the old one|four|");
  EXPECT_EQ(f.counts().rotations, 1u);
}

TEST_F(FollowerTest, Truncated) {
  append("log", "one\ntwo\nthr");
  FileFollower f({path("log")});
  EXPECT_EQ(lines(f), "one|two|");
  std::filesystem::resize_file(path("log"), 0);
  append("log", "new\n");
  EXPECT_EQ(lines(f), "new|");
  EXPECT_EQ(f.counts().truncations, 1u);
}

TEST_F(FollowerTest, DirectoriesAndOddThings) {
  append("a.log", "one\n");
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  FileFollower f({dir_.string(), path("pipe")});
  EXPECT_EQ(lines(f), "one|");
  append("b.log", std::string(3 << 20, 'x') + "\ntwo\n");
  EXPECT_EQ(lines(f), "xxxxxxxxxxxxxxxxxxxx|two|");
  EXPECT_EQ(f.counts().cut_lines, 1u);
  EXPECT_EQ(f.losses().count(path("pipe")), 1u);
}

}  // namespace
}  // namespace rankdx
