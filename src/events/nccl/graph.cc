// Rings, trees and topology (init.cc, graph/*.cc of NCCL).
#include "events/nccl/parsers.h"

namespace rankdx::nccl {

bool parse_whole(Cursor at, Event& event) {
  event.text = at.body();
  return true;
}

bool parse_pattern(Cursor at, Event& event) {
  event.text = at.body();
  return at.take_int(event.count) && at.take(", crossNic ") && at.take_past(", nChannels ") &&
         at.take_int(event.n_channels);
}

bool parse_trees(Cursor at, Event& event) {
  event.text = at.rest();
  return event.text.find("->") != std::string_view::npos;
}

bool parse_tree_edge(Cursor at, Event& event) {
  if (!at.take_int(event.channel) || !at.take(" : ") || !at.take_int(event.from) ||
      !at.take(" -> ") || !at.take_int(event.rank) || !at.take(" -> ")) {
    return false;
  }
  event.text = trim(at.rest());
  return event.text.find('/') != std::string_view::npos;
}

bool parse_nvls_available(Cursor at, Event& event) {
  event.count = !at.take("not ");
  return at.take("available on dev ") && at.take_int(event.rank);
}

bool parse_collnet_off(Cursor at, Event& event) {
  return at.take_int(event.n_nodes) && at.take(" nodes which is less than CollNet node threshold ");
}

bool parse_affinity(Cursor at, Event& event) {
  // "Setting affinity for GPU 0 to 0-31" up to 2.27, "ncclTopoGetCpuAffinity: Affinity for GPU 0 is
  // …" from 2.28.3.
  event.text = at.body();
  at.take("Affinity for GPU ");
  return at.take_int(event.rank);
}

bool parse_channel_count(Cursor at, Event& event) {
  event.kind = EventKind::ChannelCount;
  event.text = at.body();
  return at.take_int(event.n_channels) && at.take(" coll channels, ");
}

bool parse_p2p_chunk(Cursor at, Event& event) { return at.take_int(event.bytes); }

}  // namespace rankdx::nccl
