#include "probe/interfaces.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <bit>
#include <memory>

#include "base/text.h"

namespace rankdx {
namespace {

constexpr std::string_view kNet = "/sys/class/net/";

int prefix_of(const sockaddr* mask) {
  int bits = 0;
  if (mask == nullptr) return 0;
  if (mask->sa_family == AF_INET) {
    return std::popcount(reinterpret_cast<const sockaddr_in*>(mask)->sin_addr.s_addr);
  }
  for (const uint8_t byte : reinterpret_cast<const sockaddr_in6*>(mask)->sin6_addr.s6_addr) {
    bits += std::popcount(byte);
  }
  return bits;
}

Result<std::vector<InterfaceAddress>> from_system() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return fail(ErrorCode::Unreadable, "getifaddrs fails");
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(first, freeifaddrs);
  std::vector<InterfaceAddress> out;
  for (const ifaddrs* i = first; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr) continue;
    const int family = i->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    InterfaceAddress a;
    a.interface = i->ifa_name;
    a.family = family == AF_INET ? Family::V4 : Family::V6;
    char text[INET6_ADDRSTRLEN] = "";
    const void* bytes =
        family == AF_INET
            ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(i->ifa_addr)->sin_addr)
            : &reinterpret_cast<sockaddr_in6*>(i->ifa_addr)->sin6_addr;
    inet_ntop(family, bytes, text, sizeof text);
    a.address = text;
    a.prefix = prefix_of(i->ifa_netmask);
    a.index = static_cast<int>(if_nametoindex(i->ifa_name));
    a.up = (i->ifa_flags & IFF_UP) != 0;
    a.running = (i->ifa_flags & IFF_RUNNING) != 0;
    a.loopback = (i->ifa_flags & IFF_LOOPBACK) != 0;
    out.push_back(std::move(a));
  }
  return out;
}

/// Flags, index and carrier of an interface below a root.
void describe(const HostView& host, InterfaceAddress& a) {
  const std::string dir = std::string(kNet) + a.interface;
  const auto flags = parse_hex(host.line(dir + "/flags").value_or("0")).value_or(0);
  const std::string state = host.line(dir + "/operstate").value_or("unknown");
  a.index = static_cast<int>(host.number(dir + "/ifindex").value_or(0));
  a.up = (flags & IFF_UP) != 0;
  a.loopback = (flags & IFF_LOOPBACK) != 0;
  a.running = a.up && (state == "up" || state == "unknown");
}

/// Local addresses as fib_trie shows them: "|-- 10.0.0.1", then "/32 host LOCAL".
std::vector<uint32_t> local_addresses(std::string_view trie) {
  std::vector<uint32_t> out;
  std::string_view last;
  for (std::string_view line : split(trie, '\n')) {
    line = trim(line);
    if (const size_t at = line.find("|-- "); at != std::string_view::npos) {
      last = line.substr(at + 4);
    } else if (line == "/32 host LOCAL") {
      const auto address = parse_ipv4(last);
      if (address && std::find(out.begin(), out.end(), *address) == out.end())
        out.push_back(*address);
    }
  }
  return out;
}

bool holds(const Route& r, uint32_t address) {
  const uint32_t mask = r.prefix == 0 ? 0 : ~uint32_t{0} << (32 - r.prefix);
  return (address & mask) == (r.destination & mask);
}

void add_ipv4(const HostView& host, std::vector<InterfaceAddress>& out) {
  const auto trie = host.read("/proc/net/fib_trie");
  if (!trie) return;
  const auto routes = ipv4_routes(host);
  for (const uint32_t address : local_addresses(*trie)) {
    InterfaceAddress a;
    a.address = ipv4_text(address);
    if (address >> 24 == 127) a.interface = "lo", a.prefix = 8;
    for (const Route& r : routes) {
      if (r.gateway == 0 && r.prefix > a.prefix && holds(r, address))
        a.interface = r.interface, a.prefix = r.prefix;
    }
    if (a.interface.empty()) continue;
    describe(host, a);
    out.push_back(std::move(a));
  }
}

/// "fe80000000000000... 02 40 20 80 eth0": address, index, prefix, scope, flags, name.
void add_ipv6(const HostView& host, std::vector<InterfaceAddress>& out) {
  const auto table = host.read("/proc/net/if_inet6");
  if (!table) return;
  for (const std::string_view line : split(*table, '\n')) {
    std::vector<std::string_view> words;
    for (const std::string_view w : split(line, ' ')) {
      if (!w.empty()) words.push_back(w);
    }
    if (words.size() != 6 || words[0].size() != 32) continue;
    in6_addr bytes{};
    for (size_t i = 0; i < 16; ++i) {
      bytes.s6_addr[i] = parse_int<uint8_t>(words[0].substr(2 * i, 2), 16).value_or(0);
    }
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(AF_INET6, &bytes, text, sizeof text);
    InterfaceAddress a;
    a.interface = words[5];
    a.address = text;
    a.family = Family::V6;
    a.prefix = parse_int<int>(words[2], 16).value_or(0);
    describe(host, a);
    out.push_back(std::move(a));
  }
}

}  // namespace

Result<std::vector<InterfaceAddress>> interface_addresses(const HostView& host) {
  if (host.is_this_machine()) return from_system();
  std::vector<InterfaceAddress> out;
  add_ipv4(host, out);
  add_ipv6(host, out);
  if (out.empty()) {
    return fail(ErrorCode::Unreadable, "no address is listed", host.full("/proc/net/fib_trie"));
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return std::pair(a.family, a.index) < std::pair(b.family, b.index);
  });
  return out;
}

InterfaceInfo interface_info(const HostView& host, const std::string& name) {
  const std::string dir = std::string(kNet) + name;
  InterfaceInfo info{name, host.number(dir + "/mtu"), host.number(dir + "/speed"),
                     host.line(dir + "/operstate").value_or("")};
  if (info.speed_mbps.value_or(1) <= 0) info.speed_mbps.reset();
  return info;
}

std::vector<Route> ipv4_routes(const HostView& host) {
  std::vector<Route> out;
  const auto table = host.read("/proc/net/route");
  if (!table) return out;
  for (const std::string_view line : split(*table, '\n')) {
    const auto cells = split(line, '\t');
    if (cells.size() < 8) continue;
    // Hexadecimal in the byte order of the network, printed as a little-endian number.
    const auto destination = parse_int<uint32_t>(trim(cells[1]), 16);
    const auto gateway = parse_int<uint32_t>(trim(cells[2]), 16);
    const auto mask = parse_int<uint32_t>(trim(cells[7]), 16);
    if (!destination || !gateway || !mask) continue;
    out.push_back({std::string(trim(cells[0])), ntohl(*destination), ntohl(*gateway),
                   std::popcount(*mask), parse_int<int>(trim(cells[6])).value_or(0)});
  }
  return out;
}

std::optional<uint32_t> parse_ipv4(std::string_view text) {
  in_addr address{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

std::string ipv4_text(uint32_t a) {
  return fmt::format("{}.{}.{}.{}", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

bool is_link_local(const InterfaceAddress& a) {
  if (a.family == Family::V6) {
    return a.address.starts_with("fe8") || a.address.starts_with("fe9") ||
           a.address.starts_with("fea") || a.address.starts_with("feb");
  }
  return a.address.starts_with("169.254.");
}

}  // namespace rankdx
