// A model directory whose files are harmed as the bytes say: model check gives a report, in every
// form without control characters of the input.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "checkpoint/check_model.h"
#include "checkpoint/test_memory_files.h"
#include "checkpoint/test_models.h"
#include "present/check_report.h"

namespace {

rankdx::test::MemoryFiles whole_model() {
  rankdx::test::MemoryFiles files;
  const rankdx::test::TestDir dir;
  rankdx::test::write_hf_model(dir);
  const rankdx::FileAccess real;
  const auto entries = real.list(dir.path());
  for (const rankdx::FileEntry& e : *entries)
    files.put("/m/" + e.name, *rankdx::read_file(real, dir.at(e.name), 1 << 20));
  files.put("/m/modeling_a.py", "from .parts_a import B\n");
  files.put("/m/modules.json", R"([{"path": "1_Pooling", "type": "x.Pooling"}])");
  files.put("/m/.git/index", std::string("DIRC\0\0\0\2\0\0\0\1", 12) + std::string(60, 'i') +
                                 std::string("\0\x0b"
                                             "config.json\0\0\0\0\0\0\0",
                                             20));
  return files;
}

void expect_safe(const std::string& text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n') || byte == 0x7f) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const rankdx::test::MemoryFiles whole = whole_model();
  rankdx::test::MemoryFiles files = whole;
  size_t at = 0;
  const auto draw = [&](uint64_t n) -> uint64_t {
    uint64_t value = 0;
    for (int i = 0; i < 2 && at < size; ++i) value = value << 8 | data[at++];
    return n == 0 ? 0 : value % n;
  };
  rankdx::test::Mutator mutator(files, draw);
  for (int i = 0; i < 4 && at < size; ++i) mutator.mutate();
  // What is left of the bytes becomes a file of its own.
  static const char* const kNames[] = {"config.json", "model.safetensors.index.json",
                                       "model-00001-of-00002.safetensors", "tokenizer.json"};
  if (at + 1 < size) {
    const char* name = kNames[draw(4)];
    files.put(std::string("/m/") + name,
              std::string(reinterpret_cast<const char*>(data) + at, size - at));
  }
  rankdx::ModelCheckOptions options;
  options.model = "/m";
  options.files = &files;
  options.reader_threads = 1;
  const auto report = rankdx::check_model(options);
  if (!report) std::abort();
  for (const char* form : {"text", "json", "markdown"})
    expect_safe(rankdx::render_check(*report, form, {}));
  return 0;
}
