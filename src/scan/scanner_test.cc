// Lines with their whole meaning, and generated lines on which both scanners must agree with what
// was generated.
#include "scan/scanner.h"

#include <gtest/gtest.h>

#include "scan/reference.h"
#include "scan/test_describe.h"

namespace rankdx {
namespace {

struct Case {
  std::string line, messages;
};

/// Each line stands alone: both scanners are new.
void expect_each(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    Scanner fast;
    ReferenceScanner slow;
    EXPECT_EQ(scanned(fast, c.line), c.messages) << c.line;
    EXPECT_EQ(scanned(slow, c.line), c.messages) << c.line;
  }
}

/// The lines come after each other; read twice, so that the fast scanner knows each head.
void expect_in_order(const std::vector<Case>& cases) {
  Scanner fast;
  ReferenceScanner slow;
  for (const Case& c : cases) {
    EXPECT_EQ(scanned(fast, c.line), c.messages) << c.line;
    EXPECT_EQ(scanned(slow, c.line), c.messages) << c.line;
  }
  for (const Case& c : cases) EXPECT_EQ(scanned(fast, c.line), scanned(slow, c.line)) << c.line;
  EXPECT_EQ(fast.counts().damaged_lines, slow.counts().damaged_lines);
  EXPECT_EQ(fast.counts().nccl_lines, slow.counts().nccl_lines);
}

TEST(Scanner, PrefixOfEachVersion) {
  expect_each({
      {"n:7:9 [2] NCCL INFO Ring 00 : 3 -> 0", "INFO n:7:9 dev=2 writer=0 |Ring 00 : 3 -> 0|"},
      {"n:7:9 [-1] NCCL INFO x", "INFO n:7:9 writer=0 |x|"},
      {"n:7:9 [2] NCCL INFO", "INFO n:7:9 dev=2 writer=0 ||"},
      {"n:7:9 [2] NCCL INFO  0 : NET/0", "INFO n:7:9 dev=2 writer=0 | 0 : NET/0|"},
      {"n:7:9 [2] misc/socket.cc:57 NCCL WARN Call failed",
       "WARN n:7:9 dev=2 file=misc/socket.cc writer=0 |Call failed|"},
      {"n:7:9 [2] misc/socket.cc:57 (socketWait) NCCL WARN Call failed",
       "WARN n:7:9 dev=2 file=misc/socket.cc func=socketWait writer=0 |Call failed|"},
      {"n:7:9 [2] init.cc:57 (operator()) NCCL WARN x",
       "WARN n:7:9 dev=2 file=init.cc func=operator() writer=0 |x|"},
      {"n:7:9 [2] 12.345678 ncclSend:57 NCCL TRACE x",
       "TRACE n:7:9 dev=2 file=ncclSend writer=0 |x|"},
      {"n:7:9 NCCL CALL ncclSend(1)", "CALL n:7:9 writer=0 |ncclSend(1)|"},
      {"n:7:9 [0] init.cc:9 NCCL ABORT", "ABORT n:7:9 dev=0 file=init.cc writer=0 ||"},
      {"[2026-03-19 19:40:08] n:7:9 [2] init.cc:9 NCCL WARN x",
       "WARN n:7:9 dev=2 file=init.cc time=1773949208000000 writer=0 |x|"},
      {"[2026-03-19 19:40:08.250000] n:7:9 [2] NCCL INFO x",
       "INFO n:7:9 dev=2 time=1773949208250000 writer=0 |x|"},
      {"[2026-03-19T19:40:08+0200] n:7:9 [2] NCCL INFO x",
       "INFO n:7:9 dev=2 time=1773942008000000 writer=0 |x|"},
      {"[13:12:01] n:7:9 [2] NCCL INFO x", "INFO n:7:9 dev=2 writer=0 |x|"},
      {"NCCL version 2.21.5+cuda12.4", "VERSION |NCCL version 2.21.5+cuda12.4|"},
      {"[2026-03-19 19:40:08] NCCL version 2.27.7+cuda12.9",
       "VERSION time=1773949208000000 |NCCL version 2.27.7+cuda12.9|"},
      {"n:7:9 [2] NCCL INFO NCCL version 2.27.7+cuda12.9",
       "INFO n:7:9 dev=2 writer=0 |NCCL version 2.27.7+cuda12.9|"},
  });
}

TEST(Scanner, NotNccl) {
  expect_each({
      {"", ""},
      {"  \t ", ""},
      {"INFO 07-08 11:50:03 [core.py:12] ready", "- |INFO 07-08 11:50:03 [core.py:12] ready|"},
      {"logs/rank0.log:12:NCCL version 2.27.7+cuda12.9",
       "VERSION origin=logs/rank0.log |NCCL version 2.27.7+cuda12.9|"},
      {"rank0.log:[2026-03-19 19:40:08] NCCL version 2.27.7",
       "VERSION origin=rank0.log time=1773949208000000 |NCCL version 2.27.7|"},
      {"12:NCCL version 2.27.7", "VERSION |NCCL version 2.27.7|"},
      {"    NCCL version 2.27.7+cuda12.9", "VERSION |NCCL version 2.27.7+cuda12.9|"},
      {"> NCCL version 2.27.7+cuda12.9", "VERSION |NCCL version 2.27.7+cuda12.9|"},
      {"I1126 10:00:00.000007 1 logs.go:31] NCCL version 2.27.7+cuda12.9",
       "VERSION |NCCL version 2.27.7+cuda12.9|"},
      {"report this, NCCL version 2.18.1+cuda12.1",
       "- |report this, NCCL version 2.18.1+cuda12.1|"},
      {"core.py:12: NCCL version is unknown", "- |core.py:12: NCCL version is unknown|"},
      {"core.py:12: using NCCL version 2", "- |core.py:12: using NCCL version 2|"},
      {"using NCCL version mismatch", "- |using NCCL version mismatch|"},
      {"NCCL version is unknown", "- |NCCL version is unknown|"},
      {"n:7:9 [2] NCCL INFOx", "- |n:7:9 [2] NCCL INFOx|"},
      {"n:7:9 [2] NCCL ", "- |n:7:9 [2] NCCL |"},
      {"n:99999999999:9 [2] NCCL INFO x", "INFO dev=2 damaged |x|"},
      {"Last error: NCCL WARN x", "- |Last error: NCCL WARN x|"},
      {"2025-03-18 21:25:51,123 INFO ok",
       "- time=1742333151123000 |2025-03-18 21:25:51,123 INFO ok|"},
      {"[2025-03-18 21:25:51,123] [INFO] ok", "- time=1742333151123000 |[INFO] ok|"},
      {"ValueError: bad", "- |ValueError: bad|"},
      {"loss | 0.5", "- |loss | 0.5|"},
  });
}

TEST(Scanner, Wrappers) {
  const std::string nccl = "n:7:9 [2] NCCL INFO x";
  const std::string ray = "(RayWorkerWrapper pid=248, ip=10.1.160.68) ";
  expect_each({
      {"[pod/vllm-0/main] " + nccl, "INFO n:7:9 dev=2 origin=vllm-0/main writer=0 |x|"},
      {"[pod/vllm-0/main] 2026-03-19T19:40:08.123456789Z " + nccl,
       "INFO n:7:9 dev=2 origin=vllm-0/main time=1773949208123456 writer=0 |x|"},
      {"2026-03-19T19:40:08.1Z stdout F " + nccl,
       "INFO n:7:9 dev=2 time=1773949208100000 writer=0 |x|"},
      {"2026-03-19T19:40:08.1Z\t" + nccl, "INFO n:7:9 dev=2 time=1773949208100000 writer=0 |x|"},
      {"    12\t" + nccl, "INFO n:7:9 dev=2 writer=0 |x|"},
      {"12\tINFO 07-08 ready", "- |INFO 07-08 ready|"},
      {"logs/rank0.log:12:" + nccl, "INFO n:7:9 dev=2 origin=logs/rank0.log writer=0 |x|"},
      {"rank0.log:[2026-03-19 19:40:08] " + nccl,
       "INFO n:7:9 dev=2 origin=rank0.log time=1773949208000000 writer=0 |x|"},
      {"12:" + nccl, "INFO n:7:9 dev=2 writer=0 |x|"},
      {"2026-03-19T19:40:08Z   indented", "- time=1773949208000000 |  indented|"},
      {"vllm-5d4f8c7b9-x2v7k main " + nccl,
       "INFO n:7:9 dev=2 origin=vllm-5d4f8c7b9-x2v7k main writer=0 |x|"},
      {"vllm-0 main INFO 07-08 ready", "- origin=vllm-0 main |INFO 07-08 ready|"},
      {"flash-attn backend selected", "- |flash-attn backend selected|"},
      {"worker  | " + nccl, "INFO n:7:9 dev=2 origin=worker writer=0 |x|"},
      {"worker-1 | text", "- origin=worker-1 |text|"},
      {"Nov 24 13:12:01 node7 vllm[812]: " + nccl, "INFO n:7:9 dev=2 origin=vllm writer=0 |x|"},
      {"2026-11-24T13:12:01+0000 node7 vllm[812]: text",
       "- origin=vllm time=1795525921000000 |text|"},
      {"Nov 24 13:12:01 node7 kernel: NVRM: Xid", "- origin=kernel |NVRM: Xid|"},
      {ray + nccl,
       "INFO n:7:9 dev=2 actor=RayWorkerWrapper actor_pid=248 ip=10.1.160.68 writer=0 |x|"},
      {ray + nccl + " [repeated 14x across cluster]",
       "INFO n:7:9 dev=2 actor=RayWorkerWrapper actor_pid=248 ip=10.1.160.68 repeated=14 writer=0 "
       "|x|"},
      {"(EngineCore_DP0 pid=90) " + ray + nccl,
       "INFO n:7:9 dev=2 actor=RayWorkerWrapper actor_pid=248 ip=10.1.160.68 writer=0 |x|"},
      {"(A pid=1) ok [repeated 4x across cluster] (Ray deduplicates logs by default. Set x for "
       "more options.)",
       "- actor=A actor_pid=1 repeated=4 |ok|"},
      {"(Worker_TP0 pid=7)   File \"x.py\"", "- actor=Worker_TP0 actor_pid=7 |  File \"x.py\"|"},
      {"(VllmWorker rank=3 pid=7) text", "- actor=VllmWorker actor_pid=7 |text|"},
      {"(pid=7) text", "- actor_pid=7 |text|"},
      {"(APIServer pid=1) ", ""},
      {"[rank3]: Traceback", "- label=3 |Traceback|"},
      {"[default0]:[rank12]:[E817 x.cpp:15] bad", "- label=12 |[E817 x.cpp:15] bad|"},
      {"[1,3]<stdout>:" + nccl, "INFO n:7:9 dev=2 label=3 writer=0 |x|"},
      {"[prterun-a-12@1,11]<stderr>: text", "- label=11 |text|"},
      {"3: " + nccl, "INFO n:7:9 dev=2 label=3 writer=0 |x|"},
      {" 3: [rank5]:[W x] y", "- label=5 |[W x] y|"},
      {"10.10.45.86: " + nccl, "INFO n:7:9 dev=2 origin=10.10.45.86 writer=0 |x|"},
      {"10.10.45.86: 10.10.45.86: Traceback", "- origin=10.10.45.86 |Traceback|"},
      {"gpu-v01: " + nccl, "INFO n:7:9 dev=2 origin=gpu-v01 writer=0 |x|"},
      {"[0] " + nccl, "INFO n:7:9 dev=2 writer=0 |x|"},
      {"2025-03-18 21:25:51 " + nccl, "INFO n:7:9 dev=2 time=1742333151000000 writer=0 |x|"},
      {"job7/task3> " + nccl, "INFO n:7:9 dev=2 writer=0 |x|"},
      {"│ " + nccl + "     │", "INFO n:7:9 dev=2 writer=0 |x|"},
      {"│ text   │", "- |text|"},
      {"\x1b[36m(A pid=1)\x1b[0m " + nccl, "INFO n:7:9 dev=2 actor=A actor_pid=1 writer=0 |x|"},
      {"\x1b[36m(A pid=1)\x1b[0m x\x1b[32m [repeated 2x across cluster]\x1b[0m",
       "- actor=A actor_pid=1 repeated=2 |x|"},
      {"ESC[36m(A pid=1)ESC[0m xESC[32m [repeated 2x across cluster]",
       "- actor=A actor_pid=1 repeated=2 |x|"},
      {"[36m(A pid=1)[0m " + nccl, "INFO n:7:9 dev=2 actor=A actor_pid=1 writer=0 |x|"},
      {"\xEF\xBB\xBF" + nccl, "INFO n:7:9 dev=2 writer=0 |x|"},
      {nccl + "\r", "INFO n:7:9 dev=2 writer=0 |x|"},
      {"(A pid=1) 10%\r(A pid=1) 20%", "- actor=A actor_pid=1 |20%|"},
      {"(A pid=1) 10%\r20%\r", "- actor=A actor_pid=1 |20%|"},
      {"\rP2p connect: 12%\rP2p connect done in 0:25", "- |P2p connect done in 0:25|"},
      {"50%|##|\r" + nccl + "\r60%|###|", "INFO n:7:9 dev=2 writer=0 |x|\n- |60%|###||"},
  });
}

TEST(Scanner, TimeWithZoneWins) {
  const std::string inner = "[2026-03-19 21:40:01] n:7:9 [2] NCCL INFO x";
  expect_each({
      {"2026-03-19T19:40:08Z " + inner, "INFO n:7:9 dev=2 time=1773949208000000 writer=0 |x|"},
      {"2026-03-19T21:40:08 " + inner, "INFO n:7:9 dev=2 time=1773956401000000 writer=0 |x|"},
  });
}

TEST(Scanner, Damage) {
  const std::string a = "node-a:7:9 [2] NCCL INFO x", b = "node-b:8:8 [0] NCCL INFO y";
  expect_in_order({
      {a, "INFO node-a:7:9 dev=2 writer=0 |x|"},
      {b, "INFO node-b:8:8 dev=0 writer=1 |y|"},
      {"node-a:7:9 [2] NCCL INFO Ring 01 : 3 -> 0 " + b,
       "INFO node-a:7:9 dev=2 writer=0 damaged |Ring 01 : 3 -> 0 |\nINFO node-b:8:8 dev=0 writer=1 "
       "damaged |y|"},
      {"node-a:7:9 [2] NCCL INFO via P2P/CUMEM" + b,
       "INFO node-a:7:9 dev=2 writer=0 damaged |via P2P/CUMEM|\nINFO node-b:8:8 dev=0 writer=1 "
       "damaged |y|"},
      {a + a + b,
       "INFO node-a:7:9 dev=2 writer=0 damaged |x|\nINFO node-a:7:9 dev=2 writer=0 damaged |x|\n"
       "INFO node-b:8:8 dev=0 writer=1 damaged |y|"},
      {a + "other:8:8 [0] NCCL INFO y",
       "INFO node-a:7:9 dev=2 writer=0 damaged ||\nINFO dev=0 damaged |y|"},
      {"node-a:7:9 [2] NCCL INFO cut[2026-03-19 19:40:08] node-b:8:8 [0] init.cc:1 NCCL WARN y",
       "INFO node-a:7:9 dev=2 writer=0 damaged |cut|\n"
       "WARN node-b:8:8 dev=0 file=init.cc time=1773949208000000 writer=1 damaged |y|"},
      {"node-a:7:9 [2] NCC" + b,
       "- damaged |node-a:7:9 [2] NCC|\nINFO node-b:8:8 dev=0 writer=1 damaged |y|"},
      {"node-a:7:9 [2] NCCL INFO" + b,
       "INFO dev=2 damaged ||\nINFO node-b:8:8 dev=0 writer=1 damaged |y|"},
      {"node-a:7:" + b, "- damaged |node-a:7:|\nINFO node-b:8:8 dev=0 writer=1 damaged |y|"},
      {"node-a:7:9 [2] " + b,
       "- damaged |node-a:7:9 [2] |\nINFO node-b:8:8 dev=0 writer=1 damaged |y|"},
      {"nod" + b, "- damaged |nod|\nINFO node-b:8:8 dev=0 writer=1 damaged |y|"},
      {"big-" + b, "INFO big-node-b:8:8 dev=0 writer=2 |y|"},
      {"Channel 00 : 1 -> 0 " + b,
       "- damaged |Channel 00 : 1 -> 0 |\nINFO node-b:8:8 dev=0 writer=1 damaged |y|"},
      {"[pod/p/c] half of it " + b,
       "- origin=p/c damaged |half of it |\nINFO node-b:8:8 dev=0 origin=p/c writer=3 damaged |y|"},
      {"NCCL INFO init.cc:5 -> 3", "INFO damaged |init.cc:5 -> 3|"},
      {":250 [1] NCCL INFO z", "INFO dev=1 damaged |z|"},
      {"2026-03-19 19:40:08 [0] NCCL INFO z",
       "- time=1773949208000000 |2026-03-19 19:40:08 [0] NCCL INFO z|"},
      {"[send] via NET/Socket/0", "- |[send] via NET/Socket/0|"},
  });
}

TEST(Scanner, BrokenBytes) {
  using namespace std::string_literals;
  expect_each({
      {"n:7:9 [2] NCCL INFO x\0"s, "INFO n:7:9 dev=2 writer=0 |x|"},
      {"\0\0\0n:7:9 [2] NCCL INFO x"s, "INFO n:7:9 dev=2 writer=0 |x|"},
      {"n:7:9 [2] NCCL INFO a\0b"s, "INFO n:7:9 dev=2 writer=0 damaged |a\0b|"s},
      {"n:7:9 [2] NCCL INFO a\xff", "INFO n:7:9 dev=2 writer=0 damaged |a\xff|"},
      {"caf\xc3\xa9", "- |caf\xc3\xa9|"},
      {"caf\xc3", "- damaged |caf\xc3|"},
      {"\x1b[36", ""},
      {"\x1b]0;title\atext\x1b", "- |text|"},
  });
}

TEST(Scanner, CountsLinesMessagesAndDamage) {
  Scanner scanner;
  Described sink;
  const std::string nccl = "n:7:9 [2] NCCL INFO x";
  for (const std::string& line :
       {nccl, nccl + " " + nccl, std::string("text\0", 5), std::string()}) {
    scanner.scan_line(line, sink);
  }
  const ScanCounts& counts = scanner.counts();
  EXPECT_EQ(counts.lines, 4U);
  EXPECT_EQ(counts.nccl_lines, 3U);
  EXPECT_EQ(counts.damaged_lines, 2U);
}

TEST(Scanner, GivesTheWholeLineAsEvidence) {
  struct Lines : MessageSink {
    std::vector<std::string> lines;
    void on_message(const Envelope&, std::string_view line) override { lines.emplace_back(line); }
  } sink;
  Scanner scanner;
  const std::string line = "\x1b[36m(A pid=1)\x1b[0m n:7:9 [2] NCCL INFO x\r";
  scanner.scan_line(line, sink);
  scanner.scan_line(line, sink);
  EXPECT_EQ(sink.lines, (std::vector<std::string>{line, line}));
}

}  // namespace
}  // namespace rankdx
