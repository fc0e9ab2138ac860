// Generated lines: any nesting of wrappers around any form of prefix, and damage. The fast scanner,
// the slow one and what was generated must agree.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <random>

#include "scan/reference.h"
#include "scan/scanner.h"
#include "scan/test_describe.h"

namespace rankdx {
namespace {

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  size_t below(size_t n) { return random_() % n; }
  template <class T, size_t N>
  const T& one_of(const T (&list)[N]) {
    return list[below(N)];
  }

  /// "H:P:T [D] ... NCCL LEVEL text", and what it means.
  std::string message(Envelope& e) {
    static constexpr std::string_view kHosts[] = {"node-a", "node-b", "ip-10-0-1-23",
                                                  "gpu7",   "10",     "host_with.dots-9"};
    static constexpr std::string_view kTexts[] = {"Ring 00 : 3 -> 0 [send] via NET/Socket/0",
                                                  " 0 : NET/0 GPU/2",
                                                  "NCCL version 2.28.9+cuda13.0",
                                                  "x",
                                                  "",
                                                  "NCCL_DEBUG set by environment to INFO.",
                                                  "Using NCCL INFO",
                                                  "misc/socket.cc:57 (socketWait) -> 3"};
    e.host = one_of(kHosts);
    e.pid = static_cast<int>(1 + below(3));
    e.tid = static_cast<int>(1 + below(3));
    e.body = one_of(kTexts);
    std::string out = fmt::format("{}:{}:{} ", e.host, e.pid, e.tid);
    if (below(8) == 0) {
      e.level = Level::Call;
      return out + fmt::format("NCCL CALL {}", e.body);
    }
    e.cuda_dev = static_cast<int>(below(8));
    out += fmt::format("[{}] ", e.cuda_dev);
    e.level = below(3) ? Level::Info : Level::Warn;
    if (e.level == Level::Info) return out + fmt::format("NCCL INFO {}", e.body);
    e.file = "misc/socket.cc";
    out += "misc/socket.cc:57 ";
    if (below(2)) {
      e.func = "operator()";
      out += "(operator()) ";
    }
    return out + fmt::format("NCCL WARN {}", e.body);
  }

  std::string wrapper(Envelope& e) {
    switch (below(11)) {
      case 0:
        e.origin = "vllm-0/main";
        return "[pod/vllm-0/main] ";
      case 1:
        return stamp(e, "{}T{}.250000000Z ", 250000);
      case 2:
        e.origin = "worker";
        return "worker    | ";
      case 3:
        e.actor = "Worker_TP0";
        e.actor_pid = 7;
        e.actor_ip = {};
        return "(Worker_TP0 pid=7) ";
      case 4:
        e.actor = "A";
        e.actor_pid = 8;
        e.actor_ip = "10.1.2.3";
        return "\x1b[36m(A pid=8, ip=10.1.2.3)\x1b[0m ";
      case 5:
        e.label_rank = 3;
        return "[rank3]: ";
      case 6:
        e.label_rank = 5;
        return "[1,5]<stdout>:";
      case 7:
        e.label_rank = 6;
        return "6: ";
      case 8:
        return "[default0]:";
      case 9:
        e.origin = "10.10.45.86";
        return "10.10.45.86: ";
      default:
        e.origin = "unit";
        return "Nov 24 13:12:01 node7 unit[812]: ";
    }
  }

  /// The message of a line with up to three wrappers.
  std::string line(Envelope& e) {
    std::string out;
    for (size_t n = below(4); n; --n) out += wrapper(e);
    if (below(4) == 0) out += stamp(e, "[{} {}] ", 0);
    return out + message(e);
  }

 private:
  std::string stamp(Envelope& e, std::string_view format, int64_t us) {
    static constexpr std::string_view kTimes[] = {"19:40:08", "19:40:09", "21:00:00"};
    static constexpr int64_t kSeconds[] = {1773949208, 1773949209, 1773954000};
    const size_t i = below(3);
    const bool zoned = format.find('Z') != std::string_view::npos;
    if (zoned || !zoned_) e.time_us = kSeconds[i] * 1000000 + us;
    zoned_ = zoned || zoned_;
    return fmt::format(fmt::runtime(format), "2026-03-19", kTimes[i]);
  }

 public:
  void next_line() { zoned_ = false; }

 private:
  std::mt19937 random_;
  bool zoned_ = false;
};

std::string without_writer(std::string text) {
  const size_t at = text.find(" writer=");
  return at == std::string::npos ? text : text.erase(at, text.find_first_of(" |", at + 1) - at);
}

TEST(ScannerRandom, WholeLines) {
  Generator generator(11);
  Scanner fast;
  ReferenceScanner slow;
  for (int i = 0; i < 30000; ++i) {
    Envelope expected;
    generator.next_line();
    const std::string line = generator.line(expected);
    const std::string got = scanned(fast, line);
    ASSERT_EQ(got, scanned(slow, line)) << line;
    ASSERT_EQ(without_writer(got), describe(expected)) << line;
  }
}

TEST(ScannerRandom, DamagedLines) {
  Generator generator(12);
  Scanner fast;
  ReferenceScanner slow;
  for (int i = 0; i < 30000; ++i) {
    Envelope ignored;
    generator.next_line();
    std::string line = generator.line(ignored);
    for (size_t n = generator.below(3); n; --n) {
      line.resize(generator.below(line.size() + 1));
      line += generator.line(ignored);
    }
    if (generator.below(4) == 0)
      line.insert(generator.below(line.size() + 1), 1, "\0\r\x1b\xff\t"[generator.below(5)]);
    if (generator.below(4) == 0) line.erase(0, generator.below(line.size()));
    ASSERT_EQ(scanned(fast, line), scanned(slow, line)) << line;
  }
  EXPECT_EQ(fast.counts().damaged_lines, slow.counts().damaged_lines);
  EXPECT_EQ(fast.counts().nccl_lines, slow.counts().nccl_lines);
}

}  // namespace
}  // namespace rankdx
