#include "checkpoint/hub_cache.h"

#include <gtest/gtest.h>

#include "checkpoint/test_models.h"

namespace rankdx {
namespace {

TEST(HubCache, RepositoryIds) {
  for (const char* yes : {"gpt2", "meta-llama/Llama-3.1-8B", "a_b/c.d"})
    EXPECT_TRUE(is_repo_id(yes)) << yes;
  for (const char* no : {"", "/models/x", "./x", "../x", "a/b/c", "~/x", "a/", "a b", "a/../b",
                         "-x", "a/.b", "a/b\n"})
    EXPECT_FALSE(is_repo_id(no)) << no;
}

TEST(HubCache, WhereItIs) {
  using Map = std::map<std::string, std::string, std::less<>>;
  const std::pair<Map, std::string> cases[] = {
      {Map{{"HOME", "/h"}}, "/h/.cache/huggingface/hub"},
      {Map{{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}}, "/x/huggingface/hub"},
      {Map{{"HF_HOME", "/f"}, {"XDG_CACHE_HOME", "/x"}}, "/f/hub"},
      {Map{{"HF_HOME", "/f"}, {"HUGGINGFACE_HUB_CACHE", "/o"}}, "/o"},
      {Map{{"HF_HUB_CACHE", "/n"}, {"HUGGINGFACE_HUB_CACHE", "/o"}}, "/n"},
      {Map{}, "/.cache/huggingface/hub"},
  };
  for (const auto& [values, directory] : cases)
    EXPECT_EQ(hub_cache_directory(Environment(values)), directory);
}

TEST(HubCache, SnapshotOfAPath) {
  EXPECT_EQ(snapshot_of_path("/c/models--a--b/snapshots/123/")->commit, "123");
  EXPECT_EQ(snapshot_of_path("/c/models--a--b/snapshots/123")->repo_directory, "/c/models--a--b");
  EXPECT_FALSE(snapshot_of_path("/models/llama"));
  EXPECT_FALSE(snapshot_of_path("/c/datasets--a/snapshots/1"));
}

TEST(HubCache, RecordsOfASnapshot) {
  const test::TestDir dir;
  const std::string commit(40, 'c'), sha(64, 'a'), blob(40, 'b');
  const std::string repo = "models--o--n/";
  dir.write(repo + "trees/" + commit + ".json",
            R"({"format_version":1,"files":{"w.safetensors":{"size":135,"blob_id":")" + blob +
                R"(","lfs_sha256":")" + sha +
                R"(","lfs_size":5000},"config.json":{"size":7,"blob_id":")" + blob + R"("}}})");
  dir.link("../../blobs/" + blob, repo + "snapshots/" + commit + "/extra.json");
  const FileAccess files;
  const auto snapshot = snapshot_of_path(dir.at(repo + "snapshots/" + commit));
  const auto entries = files.list(snapshot->directory);
  const HubRecords r = hub_records(files, snapshot->directory, *entries, snapshot);
  EXPECT_TRUE(r.complete);
  EXPECT_EQ(r.files.at("w.safetensors").bytes, 5000u);
  EXPECT_EQ(r.files.at("w.safetensors").sha256, sha);
  EXPECT_EQ(r.files.at("w.safetensors").git_sha1, "");
  EXPECT_EQ(r.files.at("config.json").git_sha1, blob);
  EXPECT_EQ(r.files.at("extra.json").git_sha1, blob);
}

}  // namespace
}  // namespace rankdx
