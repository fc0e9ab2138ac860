// The lines of one NCCL release, read from forms/*.txt: literal text with fields, in phases.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rankdx::fleet {

enum class Field : uint8_t {
  None,
  Address,
  Bootstrap,
  BusId,
  Bytes,
  CallNumber,
  Channel,
  ChannelCount,
  Channels,
  Comm,
  CommId,
  Count,
  Dev,
  Hcas,
  Interface,
  Kernels,
  LocalRanks,
  LostDev,
  Net,
  Next,
  NextDev,
  NodeCount,
  Peer,
  Prefix,
  PrefixProxy,
  PrefixRoot,
  PrefixRootWarn,
  PrefixWarn,
  Prev,
  PrevDev,
  Rank,
  RankCount,
  Ring127,
  Ring20,
  Shm,
  Sleep,
  Total,
  Trees,
  Try,
  Wait1,
  Wait2,
  Work,
};

enum class Only : uint8_t { Always, Algo, Ib, IfName, Member, P2pOff, Rank0, Root, Socket };
enum class Each : uint8_t { Once, Channel, Peer, Receive, Send, Shm, Try };

/// Literal text and the field behind it.
struct Piece {
  std::string text;
  Field field = Field::None;
};

struct FormLine {
  std::vector<std::string> subsystems;  ///< "*": always
  Only only = Only::Always;
  Each each = Each::Once;
  std::vector<Piece> pieces;
};

struct Phase {
  std::string name;
  std::vector<FormLine> lines;
};

struct Form {
  std::vector<Phase> phases;  ///< in the order of the file
  const Phase* find(std::string_view name) const;
};

/// `subsystems`: those that are on; the lines of others are left out. "ALL" stands for all.
Result<Form> parse_form(std::string_view text, const std::vector<std::string>& subsystems);
Result<Form> load_form(const std::string& path, const std::vector<std::string>& subsystems);

}  // namespace rankdx::fleet
