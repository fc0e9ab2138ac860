// Interfaces, networks and their plugins (bootstrap.cc, net.cc, transport/net_*.cc of NCCL).
#include "events/nccl/parsers.h"

namespace rankdx::nccl {
namespace {

/// "eth0:10.0.0.1<0>" as name and address; a device without an address ("mlx5_0:1") has a name
/// only.
bool split_address(std::string_view text, std::string_view& name, std::string_view& address) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  name = text.substr(0, colon);
  const std::string_view rest = text.substr(colon + 1);
  const size_t port = rest.find('<');
  address = port == std::string_view::npos ? std::string_view() : rest.substr(0, port);
  return true;
}

/// "0-1b000", "1B000", "0", "0-0f0": the id behind "GPU/".
bool take_node_id(Cursor& at) {
  uint64_t id = 0;
  return at.take_hex(id) && (!at.take("-") || at.take_hex(id)) &&
         (at.at_end() || at.rest().front() == ' ' || at.rest().front() == ':');
}

}  // namespace

bool parse_bootstrap_using(Cursor at, Event& event) {
  at.skip_blanks();
  // Up to 2.6 a numbered list: " [0]eth0:10.0.0.1<0> [1]docker0:...". The first one is used.
  if (at.take("[") && !at.take_past("]")) return false;
  std::string_view entry = at.rest();
  const size_t port = entry.find('<');
  entry = port == std::string_view::npos ? trim(entry) : entry.substr(0, port + 1);
  return split_address(entry, event.name, event.value);
}

bool parse_socket_using(Cursor at, Event& event) {
  event.value = at.rest();
  // The list is cut by a buffer of 1,024 (2,048 later) bytes or by the line limit: an entry ends
  // with its port.
  event.truncated = !trim(event.value).ends_with('>');
  return event.value.find('[') != std::string_view::npos;
}

// "NET : Using interface eth0:10.0.0.1<0>", one line per interface, up to 2.4.
bool parse_old_interface(Cursor at, Event& event) {
  return split_address(trim(at.rest()), event.name, event.value) && !event.value.empty();
}

bool parse_ib_using(Cursor at, Event& event) {
  const std::string_view list = at.rest();
  if (!at.take_until("; OOB ", event.value)) {
    event.value = list;
    event.truncated = true;
    return list.find('[') != std::string_view::npos;
  }
  split_address(trim(at.rest()), event.name, event.peer_text);
  return true;
}

bool parse_name(Cursor at, Event& event) {
  event.name = at.rest();
  if (event.kind == EventKind::NetAssigned) {
    const size_t end = event.name.find(" to comm");
    if (end == std::string_view::npos) return false;
    event.name = event.name.substr(0, end);
  }
  event.name = trim(event.name);
  return !event.name.empty();
}

bool parse_gdr(Cursor at, Event& event) {
  event.kind = EventKind::GdrReason;
  event.text = at.body();
  const bool enabled = at.take("Enabled ");
  event.count = enabled;
  return enabled || at.take("Disabled ");
}

bool parse_node(Cursor at, Event& event) {
  if (!take_node_id(at)) return false;
  at.skip_blanks();
  event.kind = at.take(":") ? EventKind::PathLine : EventKind::SystemLine;
  event.text = at.body();
  return true;
}

bool parse_net(Cursor at, Event& event) {
  if (parse_node(at, event)) return true;
  Cursor gdr = at;
  if (gdr.take_past(" : GPU Direct RDMA ")) return parse_gdr(gdr, event);
  event.kind = EventKind::Other;
  if (at.take("Plugin")) {
    at.skip_blanks();
    at.take(":");
    event.kind = EventKind::PluginNote;
    event.name = "NET";
    event.value = trim(at.rest());
  }
  return true;
}

}  // namespace rankdx::nccl
