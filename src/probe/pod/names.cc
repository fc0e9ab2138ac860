// What this host's own name resolves to: Gloo, Ray and vLLM publish that address to the others.
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "probe/interfaces.h"
#include "probe/name_lookup.h"
#include "probe/pod/checks.h"

namespace rankdx {
namespace {

std::string host_name(const HostView& host) {
  char buffer[256] = "";
  if (host.is_this_machine() && gethostname(buffer, sizeof buffer - 1) == 0) return buffer;
  if (const auto name = host.line("/proc/sys/kernel/hostname")) return *name;
  return host.line("/etc/hostname").value_or("");
}

void check_dns_config(const PodContext& ctx, Checklist& out) {
  const auto text = ctx.host.read("/etc/resolv.conf", 65536);
  if (!text) return out.unknown("dns", text.error().text, "/etc/resolv.conf");
  std::string servers;
  for (const std::string_view line : split(*text, '\n')) {
    if (!line.starts_with("nameserver")) continue;
    servers += (servers.empty() ? "" : ", ") + std::string(trim(line.substr(10)));
  }
  out.ok("dns", servers.empty() ? "no name server: only /etc/hosts answers" : servers,
         "/etc/resolv.conf");
}

Problem loopback(const std::string& name, const std::string& address) {
  return {"gloo-uses-loopback",
          Layer::Network,
          fmt::format("This host's name resolves to {}", address),
          fmt::format("{} is what Gloo, Ray and vLLM publish as their address: on more than one "
                      "host the others then "
                      "connect to themselves. Debian's installers write such a line.",
                      name),
          {{"any", "Give the name its real address in /etc/hosts", "10.0.0.4  " + name},
           {"any", "Or name the interface and address",
            "GLOO_SOCKET_IFNAME=eth0 VLLM_HOST_IP=10.0.0.4"}}};
}

}  // namespace

void check_name_resolution(const PodContext& ctx, Checklist& out) {
  const std::string name = host_name(ctx.host);
  check_dns_config(ctx, out);
  if (name.empty())
    return out.unknown("host-name", "the host's name is not known", "/etc/hostname");
  const auto found = lookup_name(ctx.host, name);
  if (!found.error.empty()) return out.unknown("host-name", found.error, found.source, name);
  if (found.addresses.empty()) {
    return out.warning("host-name", name + ": no address", found.source,
                       {"host-name-unresolved",
                        Layer::Network,
                        "This host's name does not resolve",
                        "Gloo and Ray fall back to other ways of finding an address, or fail.",
                        {{"any", "Add the name to /etc/hosts, or set the address",
                          "VLLM_HOST_IP=10.0.0.4 GLOO_SOCKET_IFNAME=eth0"}},
                        {},
                        Confidence::Likely});
  }
  const std::string value = name + ": " + join(found.addresses, ", ");
  const std::string& first = found.addresses.front();
  if (first.starts_with("127.") || first == "::1") {
    const bool named = ctx.variable("GLOO_SOCKET_IFNAME") && ctx.variable("VLLM_HOST_IP");
    if (named) {
      return out.ok("host-name", value + " (GLOO_SOCKET_IFNAME and VLLM_HOST_IP are set)",
                    found.source);
    }
    return out.warning("host-name", value, found.source, loopback(name, first));
  }
  const auto own = interface_addresses(ctx.host);
  const bool mine = own && std::any_of(own->begin(), own->end(), [&](const InterfaceAddress& a) {
                      return a.address == first;
                    });
  if (!own || mine) return out.ok("host-name", value, found.source);
  out.warning("host-name", value, found.source,
              {"wrong-host-ip-advertised",
               Layer::Network,
               "This host's name resolves to an address that it does not have",
               "Another machine, or an old entry, answers for this name.",
               {{"any", "Correct /etc/hosts or DNS, or set the address", "VLLM_HOST_IP=..."}},
               {},
               Confidence::Likely});
}

}  // namespace rankdx
