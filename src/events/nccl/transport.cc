// "via" lines, and the ring lines that look like them (transport/*.cc, init.cc of NCCL).
//
//   Channel 00/02 :    0   1   2   3                       ring dump, 02 = number of channels
//   Channel 00/0 : 0[0] -> 1[1] via P2P/CUMEM              transport, /0 = connection index (none
//   before 2.14, and in SHM) Ring 00 : 0[0] -> 1[1] via P2P/IPC                     transport up
//   to 2.6; Ring 00 :  0  1 is the dump of 2.3 Ring 00 : 3 -> 0 -> 1 neighbours, 2.10 and later
#include "events/nccl/parsers.h"

namespace rankdx::nccl {
namespace {

/// "3", "3[2]" or "3[61000]": the device in the bracket is read over.
bool take_rank(Cursor& at, int& rank) {
  if (!at.take_int(rank)) return false;
  uint64_t device = 0;
  return !at.take("[") || (at.take_hex(device) && at.take("]"));
}

bool take_direction(Cursor& at, Direction& direction) {
  if (at.take(" [send] via ")) return direction = Direction::Send, true;
  if (at.take(" [receive] via ")) return direction = Direction::Receive, true;
  return at.take(" via ");
}

/// PXN: "NET/IB/0(3)/GDRDMA": the rank whose NIC is used. "GDRDMA(PCI)" is something else: no
/// number before the bracket.
int find_proxy_rank(std::string_view transport) {
  if (!transport.starts_with("NET/")) return -1;
  const size_t open = transport.find('(');
  if (open == std::string_view::npos || !is_digit(transport[open - 1])) return -1;
  Cursor at(transport, open + 1);
  int rank = -1;
  return at.take_int(rank) && at.take(")") ? rank : -1;
}

bool parse_ring_dump(Cursor at, Event& event, int number) {
  event.kind = EventKind::RingDump;
  event.n_channels = number;
  event.text = at.rest();
  event.truncated = event.text.ends_with("...");
  int first = -1;
  at.skip_blanks();
  return at.take_int(first) &&
         (at.at_end() || at.rest().front() == ' ' || at.rest().front() == '.');
}

}  // namespace

bool parse_channel(Cursor at, Event& event) {
  int number = -1;
  if (!at.take_int(event.channel) || (at.take("/") && !at.take_int(number)) || !at.take(" :"))
    return false;
  Cursor list = at;
  at.skip_blanks();
  if (!take_rank(at, event.from)) return false;
  if (!at.take(" -> "))
    return parse_ring_dump(list, event = Event{.channel = event.channel}, number);
  if (!take_rank(at, event.to)) return false;
  if (at.take(" -> ")) {
    event.kind = EventKind::RingEdge;
    event.rank = event.to;
    event.to = -1;
    return at.take_int(event.to);
  }
  event.kind = EventKind::Via;
  event.conn = number;
  if (!take_direction(at, event.direction)) return false;
  event.text = trim(at.rest());
  event.proxy_rank = find_proxy_rank(event.text);
  return !event.text.empty();
}

bool parse_collnet_via(Cursor at, Event& event) {
  if (!at.take_int(event.channel) || (at.take("/") && !at.take_int(event.conn)) ||
      !at.take(" : ") || !at.take_int(event.rank) || !take_direction(at, event.direction)) {
    return false;
  }
  event.text = trim(at.rest());
  return !event.text.empty();
}

bool parse_connected(Cursor at, Event& event) {
  struct What {
    std::string_view text, name;
  };
  static constexpr What kWhat[] = {
      {"Collnet Chains", "chains"}, {"NVLS tree", "nvls tree"},           {"all rings", "rings"},
      {"all trees", "trees"},       {"binomial trees", "binomial trees"},
  };
  for (const What& what : kWhat) {
    if (!at.take(what.text)) continue;
    event.name = what.name;
    return true;
  }
  return false;
}

}  // namespace rankdx::nccl
