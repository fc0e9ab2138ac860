#include "probe/mesh/gather.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "base/text.h"
#include "probe/interfaces.h"
#include "probe/name_lookup.h"
#include "probe/nccl_interfaces.h"
#include "probe/sockets.h"

namespace rankdx {
namespace {

constexpr size_t kMostMembers = 512;
constexpr size_t kShortestToken = 8;

std::string own_host_name() {
  char buffer[256] = "";
  gethostname(buffer, sizeof buffer - 1);
  return buffer;
}

bool is_numeric(const std::string& text) { return SocketAddress::parse(text, 0).has_value(); }

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

/// Names in time: all of them share one budget, so that a dead name server costs seconds, not
/// minutes.
class Resolver {
 public:
  explicit Resolver(const HostView& host) : host_(host) {}
  std::vector<std::string> operator()(const std::string& name) {
    using namespace std::chrono;
    if (is_numeric(name)) return {name};
    const auto left = duration_cast<milliseconds>(end_ - steady_clock::now());
    return lookup_name(host_, name, std::max(left, milliseconds(1))).addresses;
  }

 private:
  const HostView& host_;
  std::chrono::steady_clock::time_point end_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(4);
};

/// One address per interface is tested, IPv4 where there is one; all others are announced to find
/// duplicates.
std::vector<MeshAddress> candidates(const HostView& host, const std::vector<InterfaceAddress>& all,
                                    const InterfaceChoice& choice) {
  std::vector<MeshAddress> out;
  std::set<std::string> taken;
  const InterfaceAddress* chosen = choice.chosen.empty() ? nullptr : &choice.chosen.front();
  for (const InterfaceAddress& a : all) {
    const bool is_chosen = chosen != nullptr && a == *chosen;
    const bool usable = a.running && !a.loopback && !is_link_local(a);
    if (!usable && !is_chosen) continue;
    MeshAddress m;
    m.interface = a.interface;
    m.address = a.address;
    m.mtu = static_cast<int>(interface_info(host, a.interface).mtu.value_or(0));
    m.chosen = is_chosen;
    // The list begins with all of IPv4, so a name taken there is not taken again by IPv6.
    m.tested = usable && (taken.insert(a.interface).second || is_chosen);
    if (out.size() < 32) out.push_back(std::move(m));
  }
  return out;
}

std::vector<PortTaken> taken_ports(const HostView& host, std::vector<uint16_t> ports) {
  std::vector<PortTaken> out;
  const auto sockets = tcp_sockets(host);
  if (!sockets) return out;
  for (const Listener& l : listeners(host, *sockets, {ports.begin(), ports.end()})) {
    out.push_back({l.port, l.pid == 0 ? "a process that is not visible from here"
                                      : fmt::format("{} (pid {})", l.process, l.pid)});
  }
  return out;
}

std::string short_name(std::string_view name) {
  return std::string(name.substr(0, name.find('.')));
}

/// Own place in the list: by --self, by name, by the first address of an interface, by any address.
int find_self(const MeshRequest& request, const std::vector<MeshPeer>& peers,
              const std::vector<InterfaceAddress>& own, const std::string& host_name) {
  const auto index_where = [&](auto&& test) {
    const auto it = std::find_if(peers.begin(), peers.end(), test);
    return it == peers.end() ? -1 : static_cast<int>(it - peers.begin());
  };
  if (!request.self.empty()) {
    return index_where([&](const MeshPeer& p) { return p.listed == request.self; });
  }
  int index = index_where([&](const MeshPeer& p) {
    return !is_numeric(p.listed) && short_name(p.listed) == short_name(host_name);
  });
  std::set<std::string> seen, first, any;
  for (const InterfaceAddress& a : own) {
    if (a.loopback) continue;
    any.insert(a.address);
    if (seen.insert(a.interface).second) first.insert(a.address);
  }
  for (const auto* set : {&first, &any}) {
    if (index >= 0) break;
    index = index_where([&](const MeshPeer& p) {
      return std::any_of(p.addresses.begin(), p.addresses.end(),
                         [&](const std::string& a) { return set->contains(a); });
    });
  }
  return index;
}

void set_loopback(MeshMember& own, const std::string& address) {
  // Tests on one machine: each member is one address of the loopback.
  MeshAddress a;
  a.interface = "lo";
  a.address = address;
  a.mtu = 65535;
  a.chosen = a.tested = true;
  own.addresses = {a};
}

Result<void> set_list(const MeshRequest& request, Resolver& resolve,
                      const std::vector<InterfaceAddress>& addresses, MeshSetup& setup) {
  if (request.peers.size() < 2 || request.peers.size() > kMostMembers) {
    return fail(ErrorCode::Usage, fmt::format("a mesh has 2 to {} members", kMostMembers),
                "--peers");
  }
  MeshOptions& o = setup.options;
  const std::string host_name = own_host_name();
  for (const std::string& listed : request.peers) {
    o.peers.push_back({listed, resolve(listed)});
    if (!is_numeric(listed) && listed != host_name)
      setup.own.names.push_back({listed, o.peers.back().addresses});
  }
  o.self = find_self(request, o.peers, addresses, host_name);
  if (o.self < 0) {
    return fail(ErrorCode::Usage, "this host is not in the list", "--peers",
                "give its entry with --self");
  }
  o.size = static_cast<int>(o.peers.size());
  o.control_port = static_cast<uint16_t>(request.port);
  const MeshPeer& me = o.peers[static_cast<size_t>(o.self)];
  setup.own.index = o.self;
  setup.own.listed = me.listed;
  if (is_numeric(me.listed) && is_loopback(me.listed)) {
    o.control_bind = me.listed;
    set_loopback(setup.own, me.listed);
  }
  return {};
}

Result<void> set_rendezvous(const MeshRequest& request, Resolver& resolve,
                            const std::vector<InterfaceAddress>& addresses, MeshSetup& setup) {
  const size_t colon = request.rendezvous.rfind(':');
  const std::string host = request.rendezvous.substr(0, colon);
  const auto port = colon == std::string::npos
                        ? std::nullopt
                        : parse_int<uint16_t>(request.rendezvous.substr(colon + 1));
  if (!port || *port == 0 || host.empty()) {
    return fail(ErrorCode::Usage, "HOST:PORT is wanted", "--rendezvous");
  }
  if (request.size < 2 || request.size > static_cast<int64_t>(kMostMembers)) {
    return fail(ErrorCode::Usage, "how many members are there?", "--size");
  }
  MeshOptions& o = setup.options;
  o.rendezvous = true;
  o.size = static_cast<int>(request.size);
  o.control_port = *port;
  o.peers.push_back({host, resolve(host)});
  if (o.peers[0].addresses.empty()) {
    return fail(ErrorCode::Unreadable, host + " does not resolve", "--rendezvous");
  }
  const std::string& address = o.peers[0].addresses.front();
  const bool mine = is_loopback(address) ||
                    std::any_of(addresses.begin(), addresses.end(),
                                [&](const InterfaceAddress& a) { return a.address == address; });
  const auto bind_to = SocketAddress::parse(is_loopback(address) ? address : "0.0.0.0", *port);
  // The first on that host leads; a second one there, or anybody elsewhere, joins.
  o.self = mine && bind_to && listen_on(*bind_to) ? 0 : 1;
  if (is_loopback(address)) {
    o.control_bind = address;
    set_loopback(setup.own, address);
  }
  setup.own.index = o.self;
  return {};
}

}  // namespace

Result<MeshSetup> prepare_mesh(const HostView& host, const Variables& environment,
                               const MeshRequest& request) {
  if (request.token.size() < kShortestToken) {
    return fail(
        ErrorCode::Usage,
        fmt::format("the members need a shared token of {} characters or more", kShortestToken),
        "--token-file", "head -c 32 /dev/urandom | base64, the same file everywhere");
  }
  const auto addresses = RANKDX_TRY(interface_addresses(host));
  const auto choice = choose_interfaces(addresses, [&](std::string_view name) {
    const auto it = environment.find(name);
    return it == environment.end() ? std::nullopt : std::optional(it->second);
  });
  MeshSetup setup;
  MeshMember& own = setup.own;
  const std::string host_name = own_host_name();
  own.name = request.name.empty() ? host_name : request.name;
  own.host_key = host.line("/proc/sys/kernel/random/boot_id").value_or("") + " " + host_name;
  own.choice = choice.why;
  own.addresses = candidates(host, addresses, choice);
  Resolver resolve(host);
  own.names.push_back({host_name, resolve(host_name)});
  setup.options.token = request.token;
  setup.options.wait = std::chrono::seconds(request.wait_s);
  const auto set = request.rendezvous.empty() ? set_list(request, resolve, addresses, setup)
                                              : set_rendezvous(request, resolve, addresses, setup);
  if (!set) return tl::unexpected(set.error());
  std::vector<uint16_t> ports = request.ports;
  if (!setup.options.rendezvous && setup.options.control_bind.empty()) {
    ports.push_back(setup.options.control_port);
  }
  // Bytes of the samples stay the same for a host, however many members there are.
  setup.options.limits.bulk_bytes =
      std::clamp<size_t>((32 << 20) / static_cast<size_t>(setup.options.size), 128 << 10, 1 << 20);
  own.ports_taken = taken_ports(host, std::move(ports));
  return setup;
}

}  // namespace rankdx
