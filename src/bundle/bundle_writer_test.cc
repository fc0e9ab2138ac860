#include "bundle/bundle_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace rankdx {
namespace {

struct TemporaryFolder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("rankdx-bundle-" + std::to_string(getpid()));
  TemporaryFolder() { std::filesystem::create_directories(path); }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
};

/// The members of an archive as the input room gives them: name and text.
std::string contents(const std::string& path) {
  std::vector<LeftOut> left_out;
  std::string text;
  for_each_input(
      {path},
      [&](InputItem item) {
        text += item.name.substr(item.name.find(".zst:") + 5) + "\n";
        LineReader reader(*item.bytes);
        (void)reader.for_each_line(
            [&](std::string_view line) { text += "  " + std::string(line) + "\n"; });
      },
      left_out);
  return text;
}

TEST(BundleWriter, RedactedMembersAndManifest) {
  const TemporaryFolder folder;
  const std::string path = folder.path / "out.tar.zst";
  auto bundle = BundleWriter::create(path, Hide::NamesToo);
  ASSERT_TRUE(bundle) << to_string(bundle.error());
  bundle->add_host("gpu-worker-01");
  ASSERT_TRUE(bundle->add_text("logs/../../etc/rank0.log", "rank0.log",
                               "gpu-worker-01 says HF_TOKEN=abcdefghijkl\nplain"));
  bundle->add_loss("pod/vllm-1", "pods is forbidden");
  EXPECT_EQ(bundle->members().front().name, "logs/etc/rank0.log");
  EXPECT_EQ(bundle->members().front().lines, 2u);
  ASSERT_TRUE(bundle->finish());
  EXPECT_EQ(contents(path), "logs/etc/rank0.log\n  host-1 says HF_TOKEN=[redacted]\n  plain\n");
  EXPECT_EQ(bundle->taken_out().secrets, 1u);
  EXPECT_FALSE(BundleWriter::create(path, Hide::SecretsOnly))
      << "an existing file is never overwritten";
}

}  // namespace
}  // namespace rankdx
