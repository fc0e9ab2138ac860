// Who listens on the ports that a launch needs, and whether ephemeral ports are left.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "probe/pod/checks.h"
#include "probe/sockets.h"

namespace rankdx {
namespace {

struct Needed {
  uint16_t port;
  std::string_view what;
};
/// Defaults of vLLM and its neighbours (reference of the launch room). Sorted.
constexpr Needed kUsual[] = {{6379, "Ray head"},
                             {8000, "API server"},
                             {28028, "NCCL RAS"},
                             {29500, "torchrun, data parallel"},
                             {29501, "multi-node master"}};

std::string who(const Listener& l) {
  if (l.pid == 0) return "a process of another user or container";
  return fmt::format("{} (pid {})", l.process, l.pid);
}

void check_wanted(const PodContext& ctx, const std::map<uint16_t, Listener>& taken,
                  Checklist& out) {
  std::set<uint16_t> wanted(ctx.options.ports.begin(), ctx.options.ports.end());
  const std::string source = "/proc/net/tcp, tcp6";
  bool bad = false;
  for (const uint16_t port : wanted) {
    const auto it = taken.find(port);
    if (it == taken.end()) continue;
    bad = true;
    out.failed("ports", fmt::format("{}: {}", port, who(it->second)), source,
               {"port-in-use",
                Layer::Network,
                fmt::format("Port {} is taken", port),
                fmt::format("{} listens there.", who(it->second)),
                {{"any", "End it, or give the launch another port",
                  fmt::format("ss -ltnp sport = :{}", port)}}});
  }
  if (bad) return;
  std::string value;
  for (const Needed& n : kUsual) {
    const auto it = taken.find(n.port);
    if (it != taken.end() && !wanted.contains(n.port)) {
      value += fmt::format("; {} ({}): {}", n.port, n.what, who(it->second));
    }
  }
  out.ok(
      "ports",
      (wanted.empty() ? "none demanded (--ports)" : fmt::format("{} free", wanted.size())) + value,
      source);
}

void check_ephemeral(const PodContext& ctx, size_t sockets, Checklist& out) {
  const std::string source = "/proc/sys/net/ipv4/ip_local_port_range";
  const std::string range = ctx.host.line(source).value_or("");
  std::string_view high;
  const auto from = parse_int<int>(trim(take_until(range, '\t', high)));
  const auto to = parse_int<int>(trim(high));
  if (!from || !to || *to < *from) return out.unknown("ephemeral-ports", "not readable", source);
  const auto count = static_cast<size_t>(*to - *from + 1);
  const std::string value = fmt::format("{} to {}, {} TCP sockets", *from, *to, sockets);
  if (count >= 2000 && sockets < count / 10 * 9) return out.ok("ephemeral-ports", value, source);
  out.warning("ephemeral-ports", value, source,
              {"ephemeral-ports-exhausted",
               Layer::Network,
               "Few ephemeral ports are left",
               "NCCL listens on ephemeral ports; binding fails when none is free.",
               {{"any", "Widen the range", "sysctl -w net.ipv4.ip_local_port_range='10240 65535'"}},
               {},
               Confidence::Likely});
}

}  // namespace

void check_ports(const PodContext& ctx, Checklist& out) {
  const auto sockets = tcp_sockets(ctx.host);
  if (!sockets) {
    out.unknown("ports", sockets.error().text, sockets.error().place);
    return;
  }
  std::map<uint16_t, Listener> taken;
  std::set<uint16_t> interesting(ctx.options.ports.begin(), ctx.options.ports.end());
  for (const Needed& n : kUsual) interesting.insert(n.port);
  for (Listener& l : listeners(ctx.host, *sockets, interesting))
    taken.emplace(l.port, std::move(l));
  check_wanted(ctx, taken, out);
  check_ephemeral(ctx, sockets->size(), out);
}

}  // namespace rankdx
