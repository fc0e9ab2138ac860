// The grammar of NCCL's messages, 2.4 to 2.30.7: a sorted table of message heads (events/nccl/) and
// one small parser per shape. Source of every row: the release tags of NCCL, see
// data/nccl/info-events.tsv.
#pragma once

#include <string_view>

#include "events/event.h"

namespace rankdx {

/// What the grammar needs of a message: a part of its envelope.
struct Said {
  Level level = Level::None;
  std::string_view body, file, func;
  size_t host_size = 0;  ///< bytes of the host's name: tells whether NCCL cut the line
};

/// Parses the body of an NCCL message (level Info, Warn, Version, Abort, Trace or Call). Never
/// fails: a body that no row describes is EventKind::Unknown (Info) or Warn (Warn). Matches by
/// wording, never by source line number.
Event parse_nccl(const Envelope& message);
/// The same into an event that is used again and again.
void parse_nccl(const Said& message, Event& event);

/// Calls fn(interface, address) for each device of a "NET/Socket : Using" list, e.g. ("eth0",
/// "10.0.0.1"), and fn(device, "port/layer") for each of a "NET/IB : Using" list, e.g. ("mlx5_0",
/// "1/RoCE").
template <class Fn>
void for_each_net_device(std::string_view list, Fn&& fn);

/// Calls fn(int) for each number of a blank-separated list; stops at the first thing that is none.
template <class Fn>
void for_each_int(std::string_view list, Fn&& fn);

/// One tree of a "Trees" line: -1 is "none".
struct TreeLinks {
  int channel = -1, up = -1, rank = -1;
  int down[3] = {-1, -1, -1};
};

/// Calls fn(TreeLinks) for each tree of a "Trees" line (all versions' forms).
template <class Fn>
void for_each_tree(std::string_view list, Fn&& fn);

}  // namespace rankdx

#include "events/nccl_lists.inl"
