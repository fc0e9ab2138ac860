#include "input/content.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace rankdx {
namespace {

using namespace std::string_literals;

TEST(Content, OfHeads) {
  std::string random_bytes(4096, '\0');
  std::mt19937 random(1);
  for (char& c : random_bytes) c = static_cast<char>(random());
  const std::string log = "node:71:90 [0] NCCL INFO Bootstrap : Using eth0\n";
  const struct {
    std::string head;
    Content content;
  } cases[] = {
      {"", Content::Empty},
      {log, Content::Text},
      {"\x1b[36m(Worker pid=7)\x1b[0m 45%|####\r46%|####\n", Content::Text},
      {"\xff\xfen\0o\0d\0e\0"s, Content::Utf16},
      {"RDXF\x01\0\0\0"s, Content::Facts},
      {"\x1f\x8b\x08", Content::Packed},
      {"\x28\xb5\x2f\xfd\x24", Content::Packed},
      {"\xfd"
       "7zXZ\0\0"s,
       Content::Packed},
      {"BZh91AY&SY", Content::Packed},
      {"BZh is a word of the log\n", Content::Text},
      {"\x04\x22\x4d\x18\x40", Content::Packed},
      {"PK\x03\x04\x14", Content::Packed},
      {std::string(257, 'x') + "ustar", Content::Packed},
      {"\x7f"
       "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0"s,
       Content::Binary},
      {random_bytes, Content::Binary},
      {std::string(4096, '\0'), Content::Binary},
      {std::string(3000, '\0') + log + log, Content::Text},
      {log + std::string(8, '\0') + log, Content::Text},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(content_of(test.head), test.content)
        << testing::PrintToString(test.head.substr(0, 60));
  }
}

TEST(Content, NamesThatAreNoLogs) {
  for (const char* name :
       {"labels.json", "a.b/train.py", "README.md", "x.yaml.gz", "model.safetensors"}) {
    EXPECT_TRUE(is_no_log_name(name)) << name;
  }
  for (const char* name : {"rank0.log", "rank0", "nccl.node-1.211", "0.log.20240101.gz", "x.tar.gz",
                           "slurm-12.out", "a.json/x"}) {
    EXPECT_FALSE(is_no_log_name(name)) << name;
  }
}

}  // namespace
}  // namespace rankdx
