#include "live/proc_text.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace rankdx {
namespace {

TEST(ProcText, Stat) {
  const std::string tail =
      " S 211 212 210 0 -1 4194560 100 0 0 0 300 100 0 0 20 0 7 0 12345 1000 200 "
      "18446744073709551615";
  const double tick = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const ProcStat wanted{'S', 211, 210, 400 / tick, 7};
  EXPECT_EQ(parse_stat("212 (VLLM::Worker)" + tail), wanted);
  EXPECT_EQ(parse_stat("212 (a) R 1 (b c)" + tail + "\n"), wanted);
  for (const char* bad : {"", "212 (x", "212 (x)", "212 (x) S 1 2 3", "212 (x) SS 1 2 3 4 5 6 7 8"})
    EXPECT_FALSE(parse_stat(bad)) << bad;
}

TEST(ProcText, Io) {
  const std::string text = "rchar: 123\nwchar: 4\nread_bytes: 99999999999999999999\n";
  EXPECT_EQ(parse_io_field(text, "rchar:"), 123u);
  EXPECT_FALSE(parse_io_field(text, "read_bytes:"));
  EXPECT_FALSE(parse_io_field(text, "syscr:"));
}

TEST(ProcText, Shards) {
  EXPECT_EQ(shard_of_path("/m/model-00007-of-00059.safetensors"), (ShardNumber{7, 59}));
  EXPECT_EQ(shard_of_path("consolidated-1-of-2.bin"), (ShardNumber{1, 2}));
  for (const char* bad : {"/m/model.safetensors", "/m/a-3-of-2.safetensors", "a-0-of-2.bin",
                          "-of-.pt", "/m-1-of-2.safetensors/lib.so"})
    EXPECT_FALSE(shard_of_path(bad)) << bad;
  EXPECT_EQ(shard_of_maps("7f00-7f10 r--p 0 08:01 5   /m/model-00003-of-00009.safetensors\n"
                          "7f10-7f20 rw-p 0 00:00 0 \n"
                          "7f20-7f30 r--s 0 08:01 6   /m/model-00004-of-00009.safetensors\n"
                          "7f30-7f40 r-xp 0 08:01 7   /usr/lib/libc.so.6\n"),
            (ShardNumber{4, 9}));
  EXPECT_FALSE(shard_of_maps("7f30-7f40 r-xp 0 08:01 7   /usr/lib/libc.so.6\n"));
}

}  // namespace
}  // namespace rankdx
