#include "checkpoint/layout.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "checkpoint/sniff.h"

namespace rankdx {
namespace {

std::vector<FileEntry> entries(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  std::vector<FileEntry> result;
  for (std::string& name : names) {
    FileEntry& e = result.emplace_back();
    e.name = std::move(name);
    e.kind = FileKind::File;
  }
  return result;
}

struct Case {
  std::vector<std::string> files;
  std::string_view version, layout;  ///< config, weights, tokenizer, index, weight files
};

std::string described(const Case& c) {
  const ModelLayout l = choose_layout(entries(c.files), *LoaderVersion::parse(c.version));
  return std::string(to_string(l.config)) + " | " + std::string(to_string(l.weights)) + " | " +
         std::string(to_string(l.tokenizer)) + " | " + l.index_file + " | " +
         join(l.weight_files, " ");
}

TEST(Layout, AsEachReleaseChooses) {
  const std::vector<std::string> both = {"config.json",       "params.json",
                                         "tokenizer.json",    "tekken.json",
                                         "model.safetensors", "consolidated.safetensors"};
  const Case cases[] = {
      {both, "0.11.2",
       "Hugging Face | safetensors | Hugging Face |  | consolidated.safetensors "
       "model.safetensors"},
      {both, "0.12.0",
       "Mistral | Mistral consolidated safetensors | Mistral |  | consolidated.safetensors"},
      {{"config.json", "model.safetensors", "model.safetensors.index.json",
        "adapter_model.safetensors", "vocab.json"},
       "0.26.0",
       "Hugging Face | safetensors | Hugging Face | model.safetensors.index.json | "
       "model.safetensors"},
      {{"params.json", "consolidated.safetensors", "tokenizer.model.v3"},
       "0.8.5",
       "Mistral | Mistral consolidated safetensors | Mistral |  | consolidated.safetensors"},
      {{"config.json", "pytorch_model.bin", "optimizer.bin", "training_args.bin", "x.pt"},
       "0.10.0",
       "Hugging Face | PyTorch .bin | none |  | pytorch_model.bin"},
      {{"config.json", "model.pt", "scheduler.pt"},
       "0.10.0",
       "Hugging Face | PyTorch .pt | none |  | model.pt"},
      {{"q4.gguf"}, "0.10.0", "none | GGUF | none |  | q4.gguf"},
      {{"adapter_config.json", "adapter_model.safetensors"},
       "0.10.0",
       "none | adapter only | none |  | adapter_model.safetensors"},
      {{"config.json"}, "0.10.0", "Hugging Face | none | none |  | "},
      {{"config.json", "model.safetensors.index.json"},
       "0.10.0",
       "Hugging Face | safetensors | none | model.safetensors.index.json | "},
  };
  for (const Case& c : cases) EXPECT_EQ(described(c), c.layout) << c.version;
}

TEST(Layout, Versions) {
  const auto text = [](std::string_view v) {
    const auto version = LoaderVersion::parse(v);
    return version ? version->text() : "none";
  };
  EXPECT_EQ(text("0.12.0"), "0.12.0");
  EXPECT_EQ(text("v0.8.5.post1"), "0.8.5");
  EXPECT_EQ(text("0.12"), "0.12.0");
  EXPECT_EQ(text("0.14.0rc1"), "0.14.0");
  EXPECT_EQ(text("1.0.2"), "1.0.2");
  EXPECT_EQ(text("latest"), "none");
  EXPECT_EQ(text("3.1"), "none");
  EXPECT_FALSE(LoaderVersion::parse("0.11.2")->mistral_first());
  EXPECT_TRUE(LoaderVersion::parse("1.0.0")->mistral_first());
}

TEST(Layout, ShardNames) {
  const auto shard = shard_name("model-00003-of-00059.safetensors");
  ASSERT_TRUE(shard);
  EXPECT_EQ(shard->prefix + " " + shard->suffix, "model- .safetensors");
  EXPECT_EQ(shard->number, 3u);
  EXPECT_EQ(shard->count, 59u);
  EXPECT_EQ(shard->digits, 5u);
  for (const char* no : {"model.safetensors", "x-of-y.bin", "1-of-2", "a-99999999999-of-2.bin"})
    EXPECT_FALSE(shard_name(no)) << no;
}

TEST(Sniff, WhatItIs) {
  const std::string sha(64, 'e');
  const Sniffed pointer = sniff(
      "version https://git-lfs.github.com/spec/v1\r\noid sha256:" + sha + "\r\nsize 17\r\n", 130);
  EXPECT_EQ(pointer.fake, Fake::LfsPointer);
  EXPECT_EQ(pointer.oid, sha);
  EXPECT_EQ(pointer.lfs_bytes, 17u);
  EXPECT_EQ(sniff("", 0).fake, Fake::Empty);
  for (const char* page :
       {"<!DOCTYPE html><p>", "  <HTML>", "{\"error\":\"x\"}", "Entry not found"})
    EXPECT_EQ(sniff(page, 100).fake, Fake::ErrorPage) << page;
  EXPECT_EQ(sniff("<html>", 5 << 20).fake, Fake::None);
  EXPECT_EQ(sniff("{\"architectures\": []}", 100).fake, Fake::None);
}

}  // namespace
}  // namespace rankdx
