// The cache of the hub, users and mounts, caches and the network around a model.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "checkpoint/test_checks.h"

namespace rankdx {
namespace {

using namespace test;

/// A cache with one repository, its files as links to blobs.
void write_cache(const TestDir& dir) {
  const TestDir model;
  write_hf_model(model);
  const std::string repo = "hub/models--org--name/";
  dir.write(repo + "refs/main", kCommit);
  const FileAccess files;
  const auto entries = files.list(model.path());
  for (const FileEntry& e : *entries) {
    const std::string blob = std::string(39, 'b') + std::to_string(&e - entries->data());
    dir.write(repo + "blobs/" + blob, *read_file(files, model.at(e.name), 1 << 20));
    dir.link("../../blobs/" + blob, repo + "snapshots/" + kCommit + "/" + e.name);
  }
}

ModelCheckOptions cached(const TestDir& dir, const std::string& repo = "org/name") {
  ModelCheckOptions o = quiet(repo);
  o.environment.set("HF_HOME", dir.path());
  return o;
}

TEST(ModelCheck, RepositoryThroughTheCache) {
  const TestDir dir;
  EXPECT_EQ(problems_of(checked(cached(dir))), "offline-model-not-cached " + dir.at("hub") + "\n");
  write_cache(dir);
  EXPECT_EQ(problems_of(checked(cached(dir))), "");
  // transformers asks for one file before it asks for the index, and for every kind of tokenizer.
  for (const char* name : {"model.safetensors", "adapter_config.json", "added_tokens.json"})
    dir.write("hub/models--org--name/.no_exist/" + kCommit + "/" + name, "");
  EXPECT_EQ(problems_of(checked(cached(dir))), "");
  ModelCheckOptions other = cached(dir);
  other.revision = "v2";
  EXPECT_EQ(problems_of(checked(other)), "offline-model-not-cached " + dir.at("hub") + "\n");
  other.revision = kCommit;
  EXPECT_EQ(problems_of(checked(other)), "");
  other.revision = "../../../etc/passwd";
  EXPECT_EQ(problems_of(checked(other)), "offline-model-not-cached " + dir.at("hub") + "\n");

  const std::string repo = dir.at("hub/models--org--name");
  dir.write("hub/models--org--name/trees/" + kCommit + ".json",
            R"({"format_version":1,"files":{"model-00003-of-00003.safetensors":
 {"size":135,"lfs_size":5000000000,"lfs_sha256":")" +
                kSha + R"("}}})");
  EXPECT_EQ(problems_of(checked(cached(dir))),
            "hub-snapshot-partial model-00003-of-00003.safetensors\n");
  dir.remove("hub/models--org--name/trees");
  dir.write("hub/.locks/models--org--name/" + kSha + ".lock", "");
  EXPECT_EQ(notes_of(checked(cached(dir))), "hub-lock-left ");
  dir.write("hub/models--org--name/blobs/" + kSha + ".incomplete", "x");
  EXPECT_EQ(notes_of(checked(cached(dir))), "");
  EXPECT_EQ(problems_of(checked(cached(dir))),
            "hub-download-incomplete blobs/" + kSha + ".incomplete\n");
  dir.remove("hub/models--org--name/blobs");
  const CheckReport dangling = checked(cached(dir));
  EXPECT_NE(finding(dangling, "hub-blob-missing"), nullptr);
  dir.remove("hub/models--org--name/snapshots");
  EXPECT_EQ(problems_of(checked(cached(dir))), "hub-snapshot-missing " + repo + "/refs/main\n");
}

TEST(ModelCheck, LocksOfTheCacheAndItsOldName) {
  const TestDir dir;
  write_cache(dir);
  dir.write("hub/.locks/models--org--name/" + kCommit + ".lock", "");
  ModelCheckOptions o = cached(dir);
  o.identity = {1234, 1234, {}};
  o.environment.set("USER", "x");
  EXPECT_EQ(finding(checked(o), "hub-locks-not-writable"), nullptr);  // offline: no lock is taken
  o.environment.set("HF_HUB_OFFLINE", "");
  const CheckReport report = checked(o);
  const Finding* locks = finding(report, "hub-locks-not-writable");
  ASSERT_NE(locks, nullptr);
  EXPECT_EQ(locks->evidence[0].source, dir.at("hub/.locks/models--org--name"));
  o = cached(dir);
  o.environment.set("TRANSFORMERS_CACHE", "/elsewhere");
  EXPECT_EQ(problems_of(checked(o)), "transformers-cache-elsewhere TRANSFORMERS_CACHE\n");
  o.environment.set("TRANSFORMERS_CACHE", dir.at("hub"));
  EXPECT_EQ(problems_of(checked(o)), "");
}

TEST(ModelCheck, CodeOfAnotherRepositoryInTheCache) {
  const TestDir dir;
  write_cache(dir);
  const TestDir model;
  write_hf_model(model);
  model.write("config.json",
              R"({"architectures": ["A"], "auto_map": {"AutoModel": "org/name--modeling_a.A"}})");
  ModelCheckOptions o = quiet(model.path());
  o.environment.set("HF_HOME", dir.path());
  EXPECT_EQ(problems_of(checked(o)), "custom-code-from-other-repo config.json\n");
  dir.write("hub/models--org--name/snapshots/" + kCommit + "/modeling_a.py", "");
  EXPECT_EQ(problems_of(checked(o)), "");
  EXPECT_EQ(notes_of(checked(o)), "custom-code-from-other-repo ");
}

TEST(ModelCheck, FuseMountOfAnotherUser) {
  const TestDir dir;
  write_hf_model(dir);
  dir.write("mounts", "36 25 0:52 / " + dir.path() +
                          " rw,nosuid - fuse.s3fs s3fs rw,user_id=1000,group_id=1000\n");
  ModelCheckOptions o = quiet(dir.path());
  o.mountinfo_file = dir.at("mounts");
  EXPECT_EQ(problems_of(checked(o)), "fuse-mount-of-another-user " + dir.path() + "\n");
  o.identity = {1000, 1000, {}};
  o.environment.set("USER", "x");
  EXPECT_EQ(problems_of(checked(o)), "");
}

TEST(ModelCheck, OnlyTheConfigurationIsCached) {
  const TestDir dir;
  const std::string repo = "hub/models--org--name/";
  dir.write(repo + "refs/main", kCommit);
  dir.write(repo + "snapshots/" + kCommit + "/config.json", R"({"architectures": ["A"]})");
  dir.write(repo + ".no_exist/" + kCommit + "/tokenizer.json", "");
  const CheckReport report = checked(cached(dir));
  for (const char* id : {"model-weights-missing", "hub-snapshot-partial", "hub-known-missing",
                         "tokenizer-files-missing"})
    EXPECT_NE(finding(report, id), nullptr) << id;
}

TEST(ModelCheck, AccessOfAnotherUser) {
  const TestDir dir;
  write_hf_model(dir);
  ModelCheckOptions o = quiet(dir.path());
  o.identity = {1234, 1234, {2000}};
  o.environment.set("USER", "x");
  EXPECT_EQ(problems_of(checked(o)), "");
  ::chmod(dir.at(kFirst).c_str(), 0600);
  EXPECT_EQ(problems_of(checked(o)), std::string("model-files-not-readable ") + kFirst + "\n");
  ASSERT_EQ(::chown(dir.at(kFirst).c_str(), 0, 2000), 0);
  ::chmod(dir.at(kFirst).c_str(), 0640);
  EXPECT_EQ(problems_of(checked(o)), "");
  ::chmod(dir.path().c_str(), 0700);
  const CheckReport report = checked(o);
  const Finding* closed = finding(report, "model-files-not-readable");
  ASSERT_NE(closed, nullptr);
  EXPECT_EQ(closed->evidence[0].text,
            "directory " + dir.path() + " has mode 0700 and belongs to 0:0");
}

TEST(ModelCheck, CachesAndTheUnknownUser) {
  const TestDir dir;
  write_hf_model(dir);
  dir.write("passwd", "root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n");
  ModelCheckOptions o = quiet(dir.path());
  o.passwd_file = dir.at("passwd");
  o.identity = {1000, 1000, {}};
  o.environment.set("HOME", dir.path());
  const CheckReport report = checked(o);
  const Finding* caches = finding(report, "cache-dir-not-writable");
  ASSERT_NE(caches, nullptr);
  EXPECT_EQ(caches->evidence.size(), 3u);  // HOME, vLLM, Triton; /tmp is writable
  o.environment.set("HOME", "/tmp");
  EXPECT_EQ(problems_of(checked(o)), "");
  o.identity = {4321, 0, {}};
  EXPECT_EQ(problems_of(checked(o)), "uid-without-passwd-entry " + dir.at("passwd") + "\n");
  o.environment.set("USER", "vllm");
  EXPECT_EQ(problems_of(checked(o)), "");
}

std::string offline_problems(std::map<std::string, std::string, std::less<>> environment,
                             const std::string& config = R"({"architectures": ["A"]})") {
  const TestDir dir;
  write_hf_model(dir);
  dir.write("config.json", config);
  ModelCheckOptions o = quiet(dir.path());
  environment.emplace("HOME", "/tmp");
  o.environment = Environment(environment);
  o.network = NetworkUse::MustBeOffline;
  std::string ids;
  for (const Finding& f : checked(o).findings)
    ids += std::string(to_string(f.severity)) + " " + f.id + "\n";
  return ids;
}

TEST(ModelCheck, Offline) {
  const std::map<std::string, std::string, std::less<>> all = {
      {"HF_HUB_OFFLINE", "1"}, {"VLLM_NO_USAGE_STATS", "1"}, {"RAY_USAGE_STATS_ENABLED", "0"}};
  auto with = [&](const std::string& name, const std::string& value) {
    auto copy = all;
    copy[name] = value;
    return copy;
  };
  EXPECT_EQ(offline_problems(all), "");
  EXPECT_EQ(offline_problems({{"HF_HUB_OFFLINE", "1"}}),
            "warning usage-statistics-on\ninfo ray-usage-statistics-on\n");
  EXPECT_EQ(offline_problems(with("VLLM_NO_USAGE_STATS", "0")), "warning usage-statistics-on\n");
  auto trap = with("HF_HUB_OFFLINE", "0");
  trap["TRANSFORMERS_OFFLINE"] = "1";
  EXPECT_EQ(offline_problems(trap), "error offline-switch-overruled\n");
  trap["HF_HUB_OFFLINE"] = "";
  EXPECT_EQ(offline_problems(trap), "");
  trap["HF_HUB_OFFLINE"] = "yes";
  EXPECT_EQ(offline_problems(trap), "");
  EXPECT_EQ(offline_problems(with("VLLM_USE_MODELSCOPE", "True")), "error modelscope-enabled\n");
  const std::string gpt_oss = R"({"architectures": ["A"], "model_type": "gpt_oss"})";
  EXPECT_EQ(offline_problems(all, gpt_oss), "error tiktoken-vocabulary-online\n");
  const TestDir vocabularies;
  const auto named = with("TIKTOKEN_ENCODINGS_BASE", vocabularies.path());
  EXPECT_EQ(offline_problems(named, gpt_oss), "error tiktoken-vocabulary-online\n");
  vocabularies.write("o200k_base.tiktoken", "");
  EXPECT_EQ(offline_problems(named, gpt_oss), "");
}

TEST(ModelCheck, RepositoryWithoutTheSwitch) {
  const TestDir dir;
  write_cache(dir);
  ModelCheckOptions o = cached(dir);
  o.environment.set("HF_HUB_OFFLINE", "");
  EXPECT_EQ(notes_of(checked(o)), "offline-switch-missing ");
  o.network = NetworkUse::MustBeOffline;
  EXPECT_EQ(checked(o).findings.at(0).id, "offline-switch-missing");
  EXPECT_EQ(checked(o).verdict, CheckStatus::Failed);
}

}  // namespace
}  // namespace rankdx
