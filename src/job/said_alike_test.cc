// A message that is known by its shape is what skim_nccl() makes of it.
#include "job/said_alike.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <tuple>

namespace rankdx {
namespace {

const std::string kInfo = "NCCL INFO ";
const std::string kBodies[] = {
    "AllReduce: opCount 1a sendbuff 0x7f0000001000 recvbuff 0x7f0000002000 count 1048576 datatype "
    "7 op 0 root 0 comm 0x55d0c0a01000 [nranks=4] stream 0x55d0c0b02000",
    "Send: opCount 0 sendbuff 0x1 recvbuff 0x2 count 1 datatype 7 op 0 root 12 comm 0xABCDEF12 "
    "[nranks=16] stream (nil)",
    "AllReduce: 4194304 Bytes -> Algo RING proto SIMPLE channel{Lo..Hi}={0..1}",
    "channel.cc:41 Cuda Alloc Size 2432 pointer 0x7f12",
    "Allocated shareable buffer 0x7f size 2097152 ipcDesc 0x7f",
    "Mem Realloc old size 0, new size 64 pointer 0x7f",
    "ncclPollProxyResponse Received new opId=0x45b5e686613d",
    "Received and initiated operation=Init res=0",
    "New proxy send connection 3 from local rank 1, transport 2",
};

std::string line_of(const std::string& body) { return kInfo + body; }
std::string_view body_of(const std::string& line) {
  return std::string_view(line).substr(kInfo.size());
}

const SaidAlike::Message* find(SaidAlike& memory, const std::string& line) {
  const std::string padded = line + std::string(Shape::kMostBytes, '0');
  return memory.find(std::string_view(padded).substr(0, line.size()));
}

void learn(SaidAlike& memory, const std::string& line) {
  CallText call;
  const EventKind kind = skim_nccl(body_of(line), call);
  ASSERT_NE(kind, EventKind::Unknown) << line;
  memory.learn(line, body_of(line), kind, call);
}

auto fields(const CollectiveCall& c) {
  return std::tuple(c.name, c.comm, c.op_count, c.count, c.datatype, c.op, c.root);
}

/// Says whether it was known.
bool agrees(SaidAlike& memory, const std::string& line) {
  const SaidAlike::Message* known = find(memory, line);
  if (known == nullptr) return false;
  CallText call;
  EXPECT_EQ(known->kind, skim_nccl(body_of(line), call)) << line;
  if (known->kind == EventKind::CollCall) {
    EXPECT_EQ(fields(SaidAlike::call(*known, line)), fields(read_call(call))) << line;
  }
  return true;
}

TEST(SaidAlike, KnowsOtherNumbers) {
  SaidAlike memory;
  EXPECT_EQ(find(memory, line_of(kBodies[0])), nullptr);
  for (const std::string& body : kBodies) learn(memory, line_of(body));
  for (const std::string& body : kBodies) EXPECT_TRUE(agrees(memory, line_of(body))) << body;
  std::string other = line_of(kBodies[0]);
  other.replace(other.find("opCount 1a"), 10, "opCount ff");
  other.replace(other.find("55d0c0a01000"), 12, "7faBCDEF0123");
  other.replace(other.find("1048576"), 7, "9999999");
  EXPECT_TRUE(agrees(memory, other));
  other.replace(other.find("root"), 4, "toor");
  EXPECT_FALSE(agrees(memory, other));
}

TEST(SaidAlike, AgreesOnChangedMessages) {
  std::mt19937 random(5);
  const auto below = [&](size_t n) { return random() % n; };
  SaidAlike memory;
  for (const std::string& body : kBodies) learn(memory, line_of(body));
  int known = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string line = line_of(kBodies[below(std::size(kBodies))]);
    for (size_t changes = 1 + below(3); changes > 0; --changes) {
      const size_t at = below(line.size());
      if (below(4) == 0) {
        line.erase(at, 1);
        line.insert(below(line.size()), 1, "05af -"[below(6)]);
      } else {
        line[at] = "0123456789abcdefABCF x:."[below(24)];
      }
    }
    known += agrees(memory, line);
  }
  EXPECT_GT(known, 1000);
}

TEST(SaidAlike, TooManyShapesTakeTurns) {
  SaidAlike memory;
  for (int i = 0; i < 20'000; ++i) {
    const std::string name(static_cast<size_t>(1 + i % 97), static_cast<char>('g' + i % 20));
    const std::string line =
        line_of("Mem Alloc Size " + std::to_string(i) + " " + name + " pointer");
    learn(memory, line);
    agrees(memory, line);
  }
  learn(memory, line_of(kBodies[0]));
  agrees(memory, line_of(kBodies[0]));
}

}  // namespace
}  // namespace rankdx
