// Small models for the tests of this room: a writer of safetensors files (valid ones, and any bytes
// one likes), and a directory that vanishes at the end. Sparse files stand in for large shards.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/file_access.h"

namespace rankdx::test {

struct TestTensor {
  std::string name, dtype;
  std::vector<uint64_t> shape;
  uint64_t bytes;
};

inline std::string header_of(const std::vector<TestTensor>& tensors) {
  std::string json = R"({"__metadata__":{"format":"pt"})";
  uint64_t at = 0;
  for (const TestTensor& t : tensors) {
    json += ",\"" + t.name + "\":{\"dtype\":\"" + t.dtype + "\",\"shape\":[";
    for (size_t i = 0; i < t.shape.size(); ++i)
      json += (i > 0 ? "," : "") + std::to_string(t.shape[i]);
    json += "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(at + t.bytes) + "]}";
    at += t.bytes;
  }
  json += "}";
  json.append((8 - json.size() % 8) % 8, ' ');
  return json;
}

inline std::string length_field(uint64_t length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(length >> (8 * i) & 0xFF);
  return bytes;
}

/// Length, header and `data_bytes` bytes that are not zero.
inline std::string safetensors_file(const std::string& header, uint64_t data_bytes) {
  return length_field(header.size()) + header + std::string(data_bytes, '\x2A');
}

inline std::string safetensors_file(const std::vector<TestTensor>& tensors) {
  uint64_t data = 0;
  for (const TestTensor& t : tensors) data += t.bytes;
  return safetensors_file(header_of(tensors), data);
}

class TestDir {
 public:
  TestDir() {
    std::string name = (std::filesystem::temp_directory_path() / "rankdx-model-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  ~TestDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestDir(const TestDir&) = delete;
  TestDir& operator=(const TestDir&) = delete;

  const std::string& path() const { return path_; }
  std::string at(std::string_view name) const { return path_join(path_, name); }

  void write(std::string_view name, std::string_view text) const {
    const std::string path = at(name);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  void remove(std::string_view name) const { std::filesystem::remove_all(at(name)); }
  void link(std::string_view target, std::string_view name) const {
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
    std::filesystem::create_symlink(target, at(name));
  }
  /// Header in front, the data a hole.
  void write_sparse(std::string_view name, const std::string& header, uint64_t data_bytes) const {
    write(name, length_field(header.size()) + header);
    std::filesystem::resize_file(at(name), 8 + header.size() + data_bytes);
  }

 private:
  std::string path_;
};

/// A complete Hugging Face model of two shards.
inline void write_hf_model(const TestDir& dir) {
  dir.write("config.json", R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama",
 "hidden_size": 16, "num_hidden_layers": 1, "torch_dtype": "bfloat16"})");
  dir.write("tokenizer.json", R"({"version": "1.0", "model": {"type": "BPE", "vocab": {}}})");
  dir.write("tokenizer_config.json",
            R"({"tokenizer_class": "LlamaTokenizer", "chat_template": "{{ messages }}"})");
  dir.write("generation_config.json", R"({"temperature": 0.6})");
  dir.write("model-00001-of-00002.safetensors",
            safetensors_file({{"model.embed_tokens.weight", "BF16", {32, 16}, 1024}}));
  dir.write("model-00002-of-00002.safetensors",
            safetensors_file({{"model.norm.weight", "BF16", {16}, 32},
                              {"lm_head.weight", "BF16", {32, 16}, 1024}}));
  dir.write("model.safetensors.index.json", R"({"metadata": {"total_size": 2080},
 "weight_map": {"model.embed_tokens.weight": "model-00001-of-00002.safetensors",
  "model.norm.weight": "model-00002-of-00002.safetensors",
  "lm_head.weight": "model-00002-of-00002.safetensors"}})");
}

}  // namespace rankdx::test
