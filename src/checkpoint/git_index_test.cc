#include "checkpoint/git_index.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "checkpoint/check_model.h"
#include "checkpoint/test_models.h"

namespace rankdx {
namespace {

struct Entry {
  std::string path, id;  ///< 20 bytes
};

std::string big_endian(uint32_t value, size_t size) {
  std::string bytes;
  for (size_t i = size; i-- > 0;) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

/// As git writes it; version 4 with paths that share their beginnings.
std::string index_of(uint32_t version, const std::vector<Entry>& entries) {
  std::string index =
      "DIRC" + big_endian(version, 4) + big_endian(static_cast<uint32_t>(entries.size()), 4);
  std::string before;
  for (const Entry& e : entries) {
    std::string one = std::string(40, '\1') + e.id;
    const bool extended = version == 3;
    one += big_endian((extended ? 0x4000u : 0) | static_cast<uint32_t>(e.path.size()), 2);
    if (extended) one += big_endian(0, 2);
    if (version == 4) {
      size_t same = 0;
      while (same < before.size() && same < e.path.size() && before[same] == e.path[same]) ++same;
      one += static_cast<char>(before.size() - same);  // below 128: one byte
      one += e.path.substr(same) + '\0';
    } else {
      one += e.path;
      one.append(8 - one.size() % 8, '\0');
    }
    before = e.path;
    index += one;
  }
  return index + std::string(20, '\3');
}

TEST(GitIndex, VersionsTwoToFour) {
  const std::vector<Entry> entries = {{"config.json", std::string(20, '\xAB')},
                                      {"model-00001.safetensors", std::string(20, '\1')},
                                      {"model-00002.safetensors", std::string(20, '\2')}};
  for (const uint32_t version : {2u, 3u, 4u}) {
    const auto blobs = git_index_blobs(index_of(version, entries));
    ASSERT_TRUE(blobs) << version;
    ASSERT_EQ(blobs->size(), 3u) << version;
    EXPECT_EQ(blobs->at("config.json"), "abababababababababababababababababababab");
    EXPECT_EQ(blobs->at("model-00002.safetensors"), "0202020202020202020202020202020202020202");
  }
}

TEST(GitIndex, AnyCutIsRefusedOrShort) {
  const std::string whole =
      index_of(2, {{"a", std::string(20, '\1')}, {"b", std::string(20, '\2')}});
  for (size_t size = 0; size < whole.size() - 20; ++size)
    EXPECT_FALSE(git_index_blobs(whole.substr(0, size))) << size;
  std::string many = whole;
  many.replace(8, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_FALSE(git_index_blobs(many));
  many.replace(4, 4, big_endian(4, 4));
  EXPECT_FALSE(git_index_blobs(many));
}

/// Problems of a directory whose index names these blobs, with --deep.
std::string deep_problems(const test::TestDir& dir) {
  ModelCheckOptions o;
  o.model = dir.path();
  o.environment =
      Environment({{"HOME", "/tmp"}, {"VLLM_NO_USAGE_STATS", "1"}, {"HF_HUB_OFFLINE", "1"}});
  o.hashes = Hashes::Verify;
  std::string text;
  const CheckReport report = check_model(o).value();
  for (const Finding& f : report.findings)
    text += std::string(to_string(f.severity)) + " " + f.id + " " + f.evidence.at(0).source + "\n";
  for (const CheckResult& c : report.checks)
    if (c.id == "hashes") text += c.value;
  return text;
}

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::strtol(std::string(hex.substr(i, 2)).c_str(), nullptr, 16));
  return bytes;
}

TEST(GitIndex, ProvesFilesAndWhatStandsInLfs) {
  const test::TestDir dir;
  test::write_hf_model(dir);
  const std::string shard = "model-00001-of-00002.safetensors";
  dir.write("generation_config.json", "{}\n");
  const FileAccess files;
  std::atomic<uint64_t> done{0};
  const std::atomic<bool> stop{false};
  const auto file = files.open(dir.at(shard));
  const std::string sha256 = *hash_file(**file, HashKind::Sha256, done, stop);
  dir.write("pointer", lfs_pointer_text(sha256, (*file)->bytes()));
  const std::string pointer =
      *hash_file(**files.open(dir.at("pointer")), HashKind::GitBlobSha1, done, stop);
  dir.remove("pointer");
  // printf '{}\n' | git hash-object --stdin
  const std::string json = "0967ef424bce6791893e9a57bb952f80fd536e93";
  dir.write(".git/index",
            index_of(2, {{"generation_config.json", bytes_of(json)}, {shard, bytes_of(pointer)}}));
  EXPECT_EQ(deep_problems(dir), "2 of 2 files match; no hash is known for 5 others");
  dir.write("generation_config.json", "{ }\n");
  EXPECT_EQ(deep_problems(dir),
            "warning model-file-hash-mismatch generation_config.json\n"
            "1 of 2 files match; no hash is known for 5 others");
}

}  // namespace
}  // namespace rankdx
