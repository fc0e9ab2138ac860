// What skim_nccl() says it knows is what parse_nccl() finds, however the messages are changed.
#include "events/nccl/skim.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <tuple>

#include "events/nccl.h"

namespace rankdx {
namespace {

const std::string kCall =
    "AllReduce: opCount 1a sendbuff 0x7f0000001000 recvbuff 0x7f0000002000 count 1048576 datatype "
    "7 op 0 root 0 comm "
    "0x55d0c0a01000 [nranks=4] stream 0x55d0c0b02000";

const std::string kBodies[] = {
    kCall,
    "ReduceScatter: opCount 0 sendbuff 0x1 recvbuff (nil) count 1 datatype 7 op 0 root 12 comm "
    "0xABCDEF12 [nranks=16]",
    "AllReduce: 4194304 Bytes -> Algo RING proto SIMPLE channel{Lo..Hi}={0..1}",
    "AllGather: 4096 Bytes -> Algo 1 proto 2 time 12.3",
    "Broadcast: 128 Bytes -> Kernel symmetric",
    "channel.cc:41 Cuda Alloc Size 2432 pointer 0x7f",
    "misc/utils.cc:259 (ncclMemoryStack) Cuda Alloc Size 2432 pointer 0x7f",
    "Allocated 9637888 bytes of shared memory in /dev/shm/nccl-x size 9637888",
    "Allocated shareable buffer 0x7f size 2097152 ipcDesc 0x7f",
    "Imported shareable buffer device 1 size 2097152 ptr 0x7f",
    "Mem Realloc old size 0, new size 64 pointer 0x7f",
    "Mem Alloc Size 64 pointer 0x7f",
    "ncclPollProxyResponse Received new opId=0x45b5e686613d",
    "Received and initiated operation=Init res=0",
    "transport/net.cc:745 -> 6",
    "proxy.cc:878 -> 6 [Progress Thread]",
    "Channel 00/0 : 0[0] -> 1[1] via P2P/CUMEM",
    "NCCL_SOCKET_IFNAME set by environment to eth0",
};

/// Says whether skim_nccl() knew it.
bool agree(const std::string& body) {
  CallText text;
  const EventKind kind = skim_nccl(body, text);
  if (kind == EventKind::Unknown) return false;
  Event event;
  parse_nccl({Level::Info, body, {}, {}, 0}, event);
  EXPECT_EQ(static_cast<int>(kind), static_cast<int>(event.kind)) << body;
  if (kind != EventKind::CollCall) return true;
  const CollectiveCall call = read_call(text);
  EXPECT_EQ(
      std::tie(call.name, call.comm, call.op_count, call.count, call.datatype, call.op, call.root),
      std::tie(event.name, event.comm, event.op_count, event.count, event.datatype, event.op,
               event.root))
      << body;
  return true;
}

TEST(Skim, KnowsTheUsualLines) {
  EXPECT_TRUE(agree(kCall));
  for (const char* body :
       {"AllReduce: 4194304 Bytes -> Algo RING proto SIMPLE channel{Lo..Hi}={0..1}",
        "channel.cc:41 Cuda Alloc Size 2432 pointer 0x7f",
        "Imported shareable buffer device 1 size 2097152 ptr 0x7f",
        "Received and initiated operation=Init res=0"}) {
    EXPECT_TRUE(agree(body)) << body;
  }
  EXPECT_FALSE(agree("transport/net.cc:745 -> 6"));
}

TEST(Skim, AgreesOnNumbersOfAnyLength) {
  for (size_t digits = 1; digits < 24; ++digits) {
    const std::string decimal(digits, '9'), hex(digits, 'f');
    for (const char* field :
         {"opCount ", "sendbuff 0x", "count ", "datatype ", "op ", "root ", "comm 0x", "nranks="}) {
      for (const std::string& number :
           {decimal, hex, "1" + std::string(digits - 1, '0'), std::string()}) {
        std::string body = kCall;
        const size_t at = body.find(field) + std::string_view(field).size();
        body.replace(at, body.find_first_of(" ]", at) - at, number);
        agree(body);
      }
    }
    agree("AllReduce: " + decimal + " Bytes -> Algo RING proto LL");
    agree("Mem Alloc Size " + decimal + " pointer");
    agree("Mem Alloc Size " + decimal);
  }
}

TEST(Skim, AgreesOnChangedLines) {
  std::mt19937 random(7);
  const auto below = [&](size_t n) { return random() % n; };
  for (int round = 0; round < 200'000; ++round) {
    std::string body = kBodies[below(std::size(kBodies))];
    for (size_t changes = below(3); changes > 0 && !body.empty(); --changes) {
      const size_t at = below(body.size());
      switch (below(5)) {
        case 0:
          body.resize(at);
          break;
        case 1:
          body[at] = " :.0x9aZ[]()-\xff"[below(14)];
          break;
        case 2:
          body.erase(at, 1 + below(4));
          break;
        case 3:
          body.insert(at, 1 + below(12), "09af "[below(5)]);
          break;
        default:
          body += kBodies[below(std::size(kBodies))];
      }
    }
    agree(body);
  }
}

}  // namespace
}  // namespace rankdx
