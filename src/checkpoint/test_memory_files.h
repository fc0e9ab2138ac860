// A model directory in memory, and what can happen to one: for the mutation test and the fuzzer. A
// file may claim to be larger than its bytes; what is beyond them reads as zeros, as in a sparse
// file.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/file_access.h"

namespace rankdx::test {

struct MemoryFile {
  std::string bytes;
  uint64_t size = 0;  ///< at least bytes.size()
  FileKind kind = FileKind::File;
  std::string target;
};

class MemoryFiles : public FileAccess {
 public:
  std::map<std::string, MemoryFile> files;  ///< by path, as "/m/config.json"

  void put(const std::string& path, std::string bytes) {
    const uint64_t size = bytes.size();
    files[path] = {std::move(bytes), size, FileKind::File, {}};
  }

  Result<std::unique_ptr<OpenFile>> open(const std::string& path) const override {
    const auto it = files.find(path);
    if (it == files.end() || it->second.kind != FileKind::File)
      return fail(ErrorCode::Unreadable, "No such file or directory", path);
    return std::make_unique<Open>(it->second);
  }

  Result<std::vector<FileEntry>> list(const std::string& directory) const override {
    std::vector<FileEntry> entries;
    for (auto it = files.lower_bound(directory + "/");
         it != files.end() && it->first.starts_with(directory + "/"); ++it) {
      std::string name = it->first.substr(directory.size() + 1);
      const size_t slash = name.find('/');
      name.resize(std::min(slash, name.size()));
      if (!entries.empty() && entries.back().name == name) continue;
      FileEntry e = slash == std::string::npos ? entry_of(it->second) : directory_entry();
      e.name = name;
      entries.push_back(std::move(e));
    }
    std::sort(entries.begin(), entries.end(),
              [](const FileEntry& a, const FileEntry& b) { return a.name < b.name; });
    if (entries.empty()) return fail(ErrorCode::Unreadable, "No such directory", directory);
    return entries;
  }

  Result<FileEntry> stat(const std::string& path) const override {
    if (const auto it = files.find(path); it != files.end()) return entry_of(it->second);
    const auto below = files.lower_bound(path + "/");
    if (below != files.end() && below->first.starts_with(path + "/")) return directory_entry();
    return fail(ErrorCode::Unreadable, "No such file or directory", path);
  }

 private:
  struct Open : OpenFile {
    explicit Open(const MemoryFile& f) : file(f) {}
    const MemoryFile& file;
    uint64_t bytes() const override { return file.size; }
    uint64_t first_hole() const override { return file.bytes.size(); }
    Result<size_t> read(char* to, size_t size, uint64_t offset) const override {
      if (offset >= file.size) return size_t{0};
      const auto n = static_cast<size_t>(std::min<uint64_t>(size, file.size - offset));
      std::memset(to, 0, n);
      if (offset < file.bytes.size())
        std::memcpy(to, file.bytes.data() + offset,
                    std::min<size_t>(n, file.bytes.size() - offset));
      return n;
    }
  };
  static FileEntry entry_of(const MemoryFile& f) {
    FileEntry e;
    e.kind = f.kind;
    e.target = f.target;
    e.bytes = f.size;
    e.allocated_bytes = f.bytes.size();
    e.mode = 0100644;
    return e;
  }
  static FileEntry directory_entry() {
    FileEntry e;
    e.kind = FileKind::Directory;
    e.mode = 040755;
    return e;
  }
};

/// Does `draw` more or less random harm to one file of the directory.
class Mutator {
 public:
  /// `draw(n)` gives a number below n.
  Mutator(MemoryFiles& files, std::function<uint64_t(uint64_t)> draw)
      : files_(files), draw_(std::move(draw)) {}

  void mutate() {
    if (files_.files.empty()) return;
    auto it = files_.files.begin();
    std::advance(it, draw_(files_.files.size()));
    MemoryFile& f = it->second;
    switch (draw_(12)) {
      case 0:
        f.bytes.resize(draw_(f.bytes.size() + 1));
        break;
      case 1:
        files_.files.erase(it);
        return;
      case 2:
        f.kind = FileKind::Dangling, f.target = "../../blobs/" + word();
        break;
      case 3:
        f.bytes = word();
        break;
      case 4:
        rename(it);
        return;
      case 5:
        claim(f);
        return;
      case 6:
        replace_word(f.bytes);
        break;
      case 7:
        f.bytes += f.bytes.substr(0, 4096);
        break;
      case 8:
        set_length(f.bytes);
        break;
      default:
        scribble(f.bytes);
    }
    f.size = f.bytes.size();
  }

 private:
  using Iterator = std::map<std::string, MemoryFile>::iterator;

  std::string word() {
    static const std::vector<std::string> kWords = {
        "",
        "{}",
        "[]",
        "null",
        "{\"weight_map\":{\"a\":\"../../etc/passwd\"}}",
        "<!DOCTYPE html>",
        "version https://git-lfs.github.com/spec/v1\noid sha256:x\nsize -1\n",
        "{\"error\":1}",
        "{\"auto_map\":{\"A\":[\"/\",null,\"a--b.c\",\".\"]},\"vision_config\":{}}",
        "PK\x03\x04",
        "GGUF",
        std::string(300, '['),
        std::string(9, '\0'),
        "\xFF\xFE",
        "1e999",
        "\"\\ud800\"",
        "model-00000-of-4294967295.safetensors",
        "18446744073709551615",
        "-1",
        "\x1b[31m"};
    return kWords[draw_(kWords.size())];
  }
  void rename(Iterator it) {
    static const std::vector<std::string> kNames = {
        "model-00001-of-99999.safetensors",
        "model-4294967295-of-4294967295.safetensors",
        "consolidated.safetensors",
        "params.json",
        "tekken.json",
        "adapter_config.json",
        "model.gguf",
        "pytorch_model.bin",
        "config.json/x",
        "model.safetensors.index.json",
        ".cache/huggingface/download/config.json.metadata",
        "\x1b[2J.json",
        "tokenizer.json"};
    MemoryFile f = std::move(it->second);
    files_.files.erase(it);
    files_.files["/m/" + kNames[draw_(kNames.size())]] = std::move(f);
  }
  void claim(MemoryFile& f) {
    static const uint64_t kSizes[] = {1, 9, 1 << 20, uint64_t{1} << 33, uint64_t{1} << 62};
    f.size = std::max<uint64_t>(f.bytes.size(), kSizes[draw_(5)]);
  }
  void set_length(std::string& bytes) {
    static const uint64_t kLengths[] = {
        0, 1, 1000, 100'000'000, 100'000'001, uint64_t{1} << 63, UINT64_MAX};
    const uint64_t length = kLengths[draw_(7)];
    if (bytes.size() >= 8) std::memcpy(bytes.data(), &length, 8);
  }
  void replace_word(std::string& bytes) {
    if (bytes.empty()) return;
    bytes.insert(draw_(bytes.size()), word());
  }
  void scribble(std::string& bytes) {
    for (uint64_t i = 0, n = 1 + draw_(4); i < n && !bytes.empty(); ++i)
      bytes[draw_(bytes.size())] = static_cast<char>(draw_(256));
  }

  MemoryFiles& files_;
  std::function<uint64_t(uint64_t)> draw_;
};

}  // namespace rankdx::test
