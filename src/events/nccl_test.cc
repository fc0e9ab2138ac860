// The grammar of NCCL's messages: one line per case, in the wording of the release named. Where
// releases disagree about a text (data/nccl, README there), both readings stand here.
#include "events/nccl.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace rankdx {
namespace {

/// What a parser found, as words: the kind's number is useless in a failure message, so kinds are
/// compared apart.
std::string words(const Event& e) {
  std::string out;
  auto number = [&](const char* name, int64_t value, int64_t absent = -1) {
    if (value != absent) out += fmt::format("{}={} ", name, value);
  };
  auto text = [&](const char* name, std::string_view value) {
    if (!value.empty()) out += fmt::format("{}={} ", name, value);
  };
  number("rank", e.rank);
  number("nranks", e.nranks);
  number("cuda", e.cuda_dev);
  number("from", e.from);
  number("to", e.to);
  number("channel", e.channel);
  number("conn", e.conn);
  number("channels", e.n_channels);
  number("proxy", e.proxy_rank);
  if (e.has_color) out += fmt::format("color={} ", e.color);
  number("split", e.split_count);
  number("nodes", e.n_nodes);
  number("local", e.local_rank);
  number("code", e.code);
  if (e.has_comm_id) out += fmt::format("id={:#x} ", e.comm_id);
  if (e.comm) out += fmt::format("comm={:#x} ", e.comm);
  if (e.parent) out += fmt::format("parent={:#x} ", e.parent);
  if (e.has_bus_id) out += fmt::format("bus={:x} ", e.bus_id);
  if (e.op_count) out += fmt::format("op={} ", e.op_count);
  if (e.count) out += fmt::format("count={} ", e.count);
  text("func", e.func);
  text("file", e.file);
  text("name", e.name);
  text("value", e.value);
  text("peer", e.peer_text);
  if (e.direction != Direction::None) out += e.direction == Direction::Send ? "send " : "receive ";
  if (!out.empty()) out.pop_back();
  return out;
}

struct Case {
  const char* body;
  EventKind kind;
  const char* want;
  Level level = Level::Info;
};

void check(const Case& c) {
  Envelope m;
  m.level = c.level;
  m.body = c.body;
  const Event e = parse_nccl(m);
  EXPECT_EQ(static_cast<int>(e.kind), static_cast<int>(c.kind)) << c.body;
  EXPECT_EQ(words(e), c.want) << c.body;
}

using enum EventKind;

TEST(NcclEvents, TimeOfAStartAndWhatOfItWasWaiting) {
  struct Timed {
    const char* body;
    double seconds, waited;
  };
  const Timed cases[] = {
      {"Init timings - ncclCommInitRank: rank 2 nranks 4 total 12.38 (kernels 0.00, alloc 0.00, "
       "bootstrap 12.10, "
       "allgathers 0.09, topo 0.15, graphs 0.00, connections 0.04, rest 0.00)",
       12.38, 12.19},
      {"Init timings: rank 0 nranks 4 total 0.50 (kernels 0.20, bootstrap 0.10, allgathers 0.05, "
       "topo 0.1, graphs "
       "0.00, connections 0.00, rest 0.05)",
       0.5, 0.15},  // 2.22.3
      {"Init timings - ncclCommInitRank: rank 2 nranks 4 total 12.38 (kernels 0.00, alloc 0.00, "
       "bootstr",
       12.38, -1},
      {"Init timings - ncclCommInitRank: rank 2 nranks 4 total 12.38 (bootstrap x, allgathers "
       "0.09)",
       12.38, -1},
      {"Init timings - ncclCommInitRank: rank 2 nranks 4 total 12.38", 12.38, -1},
  };
  for (const Timed& c : cases) {
    Envelope m;
    m.level = Level::Info;
    m.body = c.body;
    const Event e = parse_nccl(m);
    EXPECT_EQ(e.kind, InitTimings) << c.body;
    EXPECT_DOUBLE_EQ(e.seconds, c.seconds) << c.body;
    EXPECT_NEAR(e.waited_seconds, c.waited, 1e-9) << c.body;
  }
}

TEST(NcclEvents, LifeOfACommunicator) {
  const Case cases[] = {
      // 2.16, 2.18, 2.21 to 2.28, a split of 2.24 and later; "rank" and "nranks" change their case
      // between releases
      {"comm 0x55a0 rank 3 nranks 8 cudaDev 3 busId 61000 - Init COMPLETE", InitComplete,
       "rank=3 nranks=8 cuda=3 comm=0x55a0 bus=61000"},
      {"comm 0x55a0 rank 0 nranks 4 cudaDev 0 nvmlDev 0 busId 1b000 commId 0xb65ec50701604f15 - "
       "Init START",
       InitStart, "rank=0 nranks=4 cuda=0 id=0xb65ec50701604f15 comm=0x55a0 bus=1b000"},
      {"ncclCommInitRankConfig comm 0x7f31 rank 1 nranks 2 cudaDev 1 nvmlDev 1 busId 43000 commId "
       "0x3c29b1244fa04682 - Init COMPLETE",
       InitComplete,
       "rank=1 nranks=2 cuda=1 id=0x3c29b1244fa04682 comm=0x7f31 bus=43000 "
       "func=ncclCommInitRankConfig"},
      {"ncclCommSplit comm 0x7f99 rank 1 nranks 4 cudaDev 1 nvmlDev 1 busId 43000 parent 0x7f31 "
       "splitCount 1 color 7 key 1- Init START",
       InitStart,
       "rank=1 nranks=4 cuda=1 color=7 split=1 comm=0x7f99 parent=0x7f31 bus=43000 "
       "func=ncclCommSplit"},
      {"bootstrapSplit: rank 3 nranks 4 color 1 key 3 prev 6 next 4 - DONE", BootstrapSplit,
       "rank=3 nranks=4 color=1"},
      {"comm 0x7f99 rank 2 nRanks 4 nNodes 2 localRanks 2 localRank 0 MNNVL 0 ", Layout,
       "rank=2 nranks=4 nodes=2 local=0 comm=0x7f99"},
      {"comm 0x7f99 rank 2 nranks 4 cudaDev 0 busId 1b000 - Destroy COMPLETE", Destroy,
       "rank=2 nranks=4 cuda=0 comm=0x7f99 bus=1b000 value=Destroy"},
  };
  for (const Case& c : cases) check(c);
}

TEST(NcclEvents, TheWordChannelHasThreeMeanings) {
  const Case cases[] = {
      {"Channel 00/02 :    0   1   2   3", RingDump, "channel=0 channels=2"},
      {"Channel 01/02 : 0 1 2 3", RingDump, "channel=1 channels=2"},
      {"Channel 00/0 : 0[0] -> 1[1] via P2P/CUMEM/read", Via, "from=0 to=1 channel=0 conn=0"},
      {"Channel 00/1 : 3[1] -> 0[0] [receive] via NET/Socket/0", Via,
       "from=3 to=0 channel=0 conn=1 receive"},
      {"Channel 02 : 1[1] -> 2[2] via SHM/direct/direct", Via, "from=1 to=2 channel=2"},
      {"Ring 00 : 15[41000] -> 0[1b000] [receive] via NET/IB/0", Via,
       "from=15 to=0 channel=0 receive"},
      {"Ring 01 : 3 -> 0 -> 1", RingEdge, "rank=0 from=3 to=1 channel=1"},
  };
  for (const Case& c : cases) check(c);
}

TEST(NcclEvents, ProxyRankIsNoGdrSuffix) {
  const Case cases[] = {
      {"Channel 00/0 : 1[1] -> 9[1] [send] via NET/IB/0(3)/GDRDMA", Via,
       "from=1 to=9 channel=0 conn=0 proxy=3 send"},
      {"Channel 00/0 : 1[1] -> 9[1] [send] via NET/IB/0/GDRDMA(PCI)", Via,
       "from=1 to=9 channel=0 conn=0 send"},
      {"Channel 00/0 : 1[1] -> 9[1] [send] via NET/AWS Libfabric/0/Shared", Via,
       "from=1 to=9 channel=0 conn=0 send"},
  };
  for (const Case& c : cases) check(c);
}

TEST(NcclEvents, Networks) {
  const Case cases[] = {
      {"Bootstrap : Using eth0:10.0.0.5<0>", BootstrapUsing, "name=eth0 value=10.0.0.5"},
      {"Bootstrap: Using eth0:fe80::1%eth0<0>", BootstrapUsing, "name=eth0 value=fe80::1%eth0"},
      {"NET : Using interface lo:127.0.0.1<0>", SocketUsing, "name=lo value=127.0.0.1"},
      {"NET/IB : No device found.", IbNoDevice, ""},
      {"Using network Socket", NetUsing, "name=Socket"},
      {"Using internal Network Socket", NetUsing, "name=Socket"},
      {"Assigned NET plugin AWS Libfabric to comm", NetAssigned, "name=AWS Libfabric"},
      {"Failed to initialize NET plugin IB", NetFailed, "name=IB"},
  };
  for (const Case& c : cases) check(c);
}

TEST(NcclEvents, ConnectionsOfEveryRelease) {
  const Case cases[] = {
      {"Call to connect returned Connection refused, retrying", ConnectRetry,
       "value=Connection refused"},
      {"socketPollConnect: connect returned Connection timed out, retrying (3/34) after sleep for "
       "300 msec",
       ConnectRetry, "count=3 func=socketPollConnect value=Connection timed out"},
      {"socketPollConnect: connect to 10.0.0.5<4321> returned Connection refused, retrying (1/34) "
       "after sleep for 100 msec",
       ConnectRetry, "count=1 func=socketPollConnect value=Connection refused peer=10.0.0.5"},
      {"socketProgress: Connection closed by remote peer node-b.example<41234>", Warn,
       "peer=node-b.example", Level::Warn},
      {"misc/socket.cc:570 -> 6", Backtrace, "code=6 file=misc/socket.cc"},
      {"misc/socket.cc:570 (socketWait) -> 3 (Connection refused)", Backtrace,
       "code=3 func=socketWait file=misc/socket.cc value=Connection refused"},
  };
  for (const Case& c : cases) check(c);
}

TEST(NcclEvents, CallsOfCollectives) {
  const Case cases[] = {
      {"AllReduce: opCount 1a sendbuff 0x7f1 recvbuff 0x7f2 count 8192 datatype 9 op 0 root 0 comm "
       "0x55a0 [nranks=2] stream 0x1",
       CollCall, "nranks=2 comm=0x55a0 op=26 count=8192 name=AllReduce"},
      {"Send: opCount 2 sendbuff (nil) recvbuff 0x7f2 count 4 datatype 1 op 0 root 1 comm 0x55a0 "
       "[nranks=2] stream 0x1",
       CollCall, "nranks=2 comm=0x55a0 op=2 count=4 name=Send"},
  };
  for (const Case& c : cases) check(c);
}

TEST(NcclEvents, NothingIsInvented) {
  const Case cases[] = {
      {"comm 0x55a0 rank 0 nranks", Unknown, ""},
      {"Channel 00/0 : 3[1", Unknown, ""},
      {"a line that no release prints", Unknown, ""},
      {"", Unknown, ""},
      {"Setting affinity for GPU 3 to 03", Affinity, "rank=3"},
  };
  for (const Case& c : cases) {
    Envelope m;
    m.level = Level::Info;
    m.body = c.body;
    const Event e = parse_nccl(m);
    if (c.kind == Unknown) {
      EXPECT_TRUE(e.kind == Unknown || e.kind == Other) << c.body;
      EXPECT_EQ(words(e), "") << c.body;
    } else {
      check(c);
    }
  }
}

TEST(NcclLists, DevicesTreesAndNumbers) {
  std::string seen;
  for_each_net_device(
      " [0]eth0:10.0.0.1<0> [1]ib0:fe80::1%ib0<0>",
      [&](std::string_view n, std::string_view a) { seen += fmt::format("{}={} ", n, a); });
  EXPECT_EQ(seen, "eth0=10.0.0.1 ib0=fe80::1%ib0 ");
  seen.clear();
  for_each_int(" 0  1   15 x 3", [&](int n) { seen += fmt::format("{} ", n); });
  EXPECT_EQ(seen, "0 1 15 ");
  seen.clear();
  for_each_tree(" [0] 1/2/-1->0->-1 [1] -1/-1/-1->0->3", [&](const TreeLinks& t) {
    seen += fmt::format("{}:{}<-{}->{},{},{} ", t.channel, t.up, t.rank, t.down[0], t.down[1],
                        t.down[2]);
  });
  EXPECT_EQ(seen, "0:-1<-0->1,2,-1 1:3<-0->-1,-1,-1 ");
}

}  // namespace
}  // namespace rankdx
