// Random harm to model directories: no crash, no hang, memory bounded, and a verdict that holds
// together.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <random>

#include "checkpoint/check_model.h"
#include "checkpoint/test_memory_files.h"
#include "checkpoint/test_models.h"

namespace rankdx {
namespace {

test::MemoryFiles whole_model() {
  const test::TestDir dir;
  test::write_hf_model(dir);
  dir.write(".cache/huggingface/download/config.json.metadata",
            std::string(40, 'c') + "\n" + std::string(64, 'a') + "\n1700000000.5\n");
  dir.write(".cache/huggingface/trees/" + std::string(40, 'c') + ".json",
            R"({"format_version":1,"files":{"config.json":{"size":112}}})");
  const FileAccess real;
  test::MemoryFiles files;
  for (const char* sub : {"", ".cache/huggingface/download", ".cache/huggingface/trees"}) {
    const auto entries = real.list(dir.at(sub));
    for (const FileEntry& e : *entries)
      if (e.kind == FileKind::File)
        files.put(path_join(path_join("/m", sub), e.name),
                  *read_file(real, path_join(dir.at(sub), e.name), 1 << 20));
  }
  return files;
}

/// Of this process so far; 0 where sanitizers keep what was freed.
long peak_kib() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 0;
#else
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
#endif
}

TEST(ModelCheckMutations, NeitherCrashNorHangNorGrow) {
  uint32_t runs = 3000, first = 0;
  if (const char* more = std::getenv("RANKDX_MUTATIONS"))
    runs = static_cast<uint32_t>(std::atoi(more));
  if (const char* from = std::getenv("RANKDX_MUTATION_SEED"))
    first = static_cast<uint32_t>(std::atoi(from));
  const test::MemoryFiles whole = whole_model();
  size_t failed = 0;
  for (uint32_t seed = first; seed < first + runs; ++seed) {
    test::MemoryFiles files = whole;
    std::mt19937 random(seed);
    test::Mutator mutator(files, [&](uint64_t n) { return n == 0 ? 0 : random() % n; });
    for (uint32_t i = 0, n = 1 + random() % 3; i < n; ++i) mutator.mutate();
    ModelCheckOptions o;
    o.model = "/m";
    o.environment.set("HOME", "/tmp");
    o.files = &files;
    o.reader_threads = 1;
    const auto report = check_model(o);
    ASSERT_TRUE(report) << seed;
    failed += report->verdict == CheckStatus::Failed ? 1 : 0;
    for (const Finding& f : report->findings) {
      ASSERT_FALSE(f.evidence.empty()) << seed;
      ASSERT_LE(f.evidence.size(), 65u) << seed;
    }
  }
  EXPECT_GT(failed, runs / 3);
  EXPECT_LT(peak_kib(), 400 * 1024);
}

}  // namespace
}  // namespace rankdx
