#include "checkpoint/deep_hash.h"

#include <gtest/gtest.h>

#include "checkpoint/test_models.h"

namespace rankdx {
namespace {

using State = HashOutcome::State;

/// Counts opens; a resumed run makes none.
class Counting : public FileAccess {
 public:
  Result<std::unique_ptr<OpenFile>> open(const std::string& path) const override {
    if (!path.ends_with("record")) ++opens;
    return FileAccess::open(path);
  }
  mutable std::atomic<int> opens{0};
};

HashTask task(const test::TestDir& dir, const std::string& name, HashKind kind,
              const std::string& expected) {
  const FileAccess files;
  return {dir.at(name), name, kind, expected, *files.stat(dir.at(name))};
}

// sha256sum, and git hash-object.
constexpr const char* kHelloSha256 =
    "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
constexpr const char* kHelloGit = "ce013625030ba8dba906f756967f9e9ca394464a";

TEST(DeepHash, MatchesMismatchesAndResumes) {
  const test::TestDir dir;
  dir.write("a", "hello\n");
  dir.write("b", "hello\n");
  dir.write("c", "other\n");
  const std::vector<HashTask> tasks = {task(dir, "a", HashKind::Sha256, kHelloSha256),
                                       task(dir, "b", HashKind::GitBlobSha1, kHelloGit),
                                       task(dir, "c", HashKind::Sha256, kHelloSha256)};
  const Counting files;
  HashRun run;
  run.record_file = dir.at("record");
  HashProgress last;
  run.progress = [&](const HashProgress& p) { last = p; };
  const auto first = run_hashes(files, tasks, run);
  EXPECT_EQ(first[0].state, State::Match);
  EXPECT_EQ(first[1].state, State::Match);
  EXPECT_EQ(first[2].state, State::Mismatch);
  EXPECT_EQ(files.opens, 3);
  EXPECT_EQ(last.done_bytes, 18u);
  EXPECT_EQ(last.done_files, 3u);
  const auto again = run_hashes(files, tasks, run);
  EXPECT_EQ(again[0].state, State::Match);
  EXPECT_TRUE(again[0].from_record);
  EXPECT_EQ(again[2].state, State::Mismatch);
  EXPECT_EQ(files.opens, 3);
  dir.write("a", "changed!\n");  // another size and time: the record is void
  const auto changed = run_hashes(files, {task(dir, "a", HashKind::Sha256, kHelloSha256)}, run);
  EXPECT_EQ(changed[0].state, State::Mismatch);
  EXPECT_FALSE(changed[0].from_record);
}

TEST(DeepHash, StopsAndReportsWhatIsUnreadable) {
  const test::TestDir dir;
  dir.write("a", "hello\n");
  std::vector<HashTask> tasks = {task(dir, "a", HashKind::Sha256, kHelloSha256)};
  const std::atomic<bool> stop{true};
  HashRun run;
  run.stop = &stop;
  const FileAccess files;
  EXPECT_EQ(run_hashes(files, tasks, run)[0].state, State::Stopped);
  dir.remove("a");
  EXPECT_EQ(run_hashes(files, tasks, {})[0].state, State::Unreadable);
}

TEST(DeepHash, FilesLargerThanABlock) {
  const test::TestDir dir;
  const std::string text(1'000'003, 'x');
  dir.write("big", text);
  const FileAccess files;
  std::atomic<uint64_t> done{0};
  const std::atomic<bool> stop{false};
  const auto file = files.open(dir.at("big"));
  // python3 -c "import hashlib; print(hashlib.sha256(b'x' * 1000003).hexdigest())"
  EXPECT_EQ(*hash_file(**file, HashKind::Sha256, done, stop),
            "60ac51f35e32790207b62d6a4614d523975339403a66cfc204df2c758ec28053");
  EXPECT_EQ(done, text.size());
}

}  // namespace
}  // namespace rankdx
