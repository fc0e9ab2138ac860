// Facts are the same for any number of threads and any size of blocks: cut lines, glued lines and
// several processes in one file included.
#include "job/read.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "input/input.h"
#include "job/test_logs.h"

namespace rankdx {
namespace {

/// A log of some processes whose lines are mixed, cut, glued and repeated.
std::string tangled_log(uint32_t seed) {
  std::mt19937 random(seed);
  std::string text;
  for (int line = 0; line < 400; ++line) {
    const int rank = static_cast<int>(random() % 4);
    const std::string p = test::prefix("node-" + std::to_string(rank / 2), 100 + rank, rank % 2);
    const std::string comm = "0x7f" + std::to_string(rank);
    switch (random() % 10) {
      case 0:
        text += test::start_line(p, rank, 4, comm, "0xabc", "START");
        break;
      case 1:
        text += test::start_line(p, rank, 4, comm, "0xabc", "COMPLETE");
        break;
      case 2:
        text += p + "NCCL INFO NCCL_DEBUG set by environment to INFO.\n";
        break;
      case 3:
        text +=
            p + "NCCL INFO Channel 00/0 : " + std::to_string(rank) + "[0] -> 1[1] via P2P/CUMEM\n";
        break;
      case 4:
        text += p + "NCCL INFO AllReduce: opCount " + std::to_string(line) +
                " sendbuff 0x1 recvbuff 0x2 count 8 datatype 7 op 0 root 0 comm " + comm +
                " [nranks=4] stream 0x3\n";
        break;
      case 5:
        text += p + "misc/socket.cc:46 NCCL WARN Call to recv failed : Broken pipe\n";
        break;
      case 6:
        text += p.substr(0, random() % p.size()) + "\n";
        break;
      case 7:
        text += p + "NCCL INFO Ring 0" + p + "NCCL INFO Using network Socket\n";
        break;
      case 8:
        text += "(Worker_TP0 pid=7) ERROR something broke here\n";
        break;
      default:
        text += p + "NCCL INFO a line that nobody knows " + std::to_string(random() % 3) + "\n";
        break;
    }
  }
  return text;
}

std::string facts_of_file(const std::string& path, int threads, size_t block_bytes) {
  const LiteralSet gate({"something broke"});
  ReadOptions options;
  options.threads = threads;
  options.block_bytes = block_bytes;
  return serialize(read_facts({path}, gate, options).facts);
}

TEST(Read, SameFactsForAnyThreadsAndBlocks) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("rankdx-read-" + std::to_string(getpid()) + ".log");
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::ofstream(path) << tangled_log(seed);
    const std::string want = facts_of_file(path, 1, LineReader::kBlock);
    for (int threads : {1, 2, 3, 8}) {
      for (size_t block : {size_t{1}, size_t{97}, size_t{4096}}) {
        EXPECT_TRUE(facts_of_file(path, threads, block) == want)
            << "seed " << seed << ", " << threads << " threads, blocks of " << block;
      }
    }
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace rankdx
