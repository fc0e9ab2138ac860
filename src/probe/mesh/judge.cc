#include "probe/mesh/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "base/text.h"
#include "probe/checklist.h"
#include "probe/mesh/judge_paths.h"
#include "probe/nccl_interfaces.h"

namespace rankdx {
namespace {

constexpr double kWrongClockSeconds = 2.0;

std::string count_text(size_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

Where at(const MeshMember& m) {
  Where w;
  w.host = m.name;
  return w;
}

void check_arrival(const MeshData& data, Checklist& out) {
  size_t present = 0;
  for (const MeshMember& m : data.members) present += m.present() ? 1 : 0;
  const std::string value = fmt::format("{} of {}", present, data.members.size());
  bool all = true;
  for (const MeshMember& m : data.members) {
    if (m.present()) continue;
    all = false;
    out.failed(
        "mesh-members", value, "mesh",
        {"mesh-member-missing",
         Layer::Rendezvous,
         m.name + " never joined the mesh",
         "It was not started, cannot reach any member that was, or holds another token. What "
         "the others saw on the way to it stands in the matrix.",
         {{"any", "Start `rankdx check mesh` there with the same list and token", ""}},
         at(m)});
  }
  for (const int i : data.silent) {
    all = false;
    const MeshMember& m = data.members[static_cast<size_t>(i)];
    out.warning("mesh-members", m.name + " joined and did not report", "mesh",
                {"mesh-member-silent",
                 Layer::Rendezvous,
                 m.name + " joined and never reported",
                 "It ended or lost its connection during the tests.",
                 {{"any", "Look at its output", ""}},
                 at(m)});
  }
  if (all) out.ok("mesh-members", value, "mesh");
}

/// What NCCL would publish must be an address that others can use at all.
void check_choice(const MeshData& data, Checklist& out) {
  bool bad = false;
  for (const MeshMember& m : data.members) {
    if (!m.present()) continue;
    const MeshAddress* a = m.chosen();
    const bool loopback = a != nullptr && !a->tested && a->address.starts_with("127.");
    if (a != nullptr && !loopback) continue;
    bad = true;
    const std::string value = fmt::format("{}: {}", m.name, m.choice);
    out.failed("mesh-nccl-interface", value, "environment of " + m.name,
               {loopback ? "loopback-selected" : "socket-ifname-matches-nothing",
                Layer::Config,
                loopback ? fmt::format("On {} NCCL would use the loopback", m.name)
                         : fmt::format("On {} NCCL finds no interface", m.name),
                m.choice + ".",
                {{"any", "Name the interface that all members share, on all members",
                  "NCCL_SOCKET_IFNAME==eth0"}},
                at(m)});
  }
  if (!bad) out.ok("mesh-nccl-interface", "every member has one", "environment");
}

void check_names(const MeshData& data, Checklist& out) {
  std::string bad;
  size_t known = 0;
  for (const MeshMember& m : data.members) {
    for (const NameSeen& seen : m.names) {
      known += seen.addresses.empty() ? 0 : 1;
      const auto loop =
          std::find_if(seen.addresses.begin(), seen.addresses.end(),
                       [](const auto& a) { return a.starts_with("127.") || a == "::1"; });
      // A mesh of loopback addresses is a test on one machine.
      const bool test = m.chosen() != nullptr && m.chosen()->address.starts_with("127.");
      if (loop != seen.addresses.begin() || seen.addresses.empty() || test) continue;
      bad = fmt::format("on {}: {} is {}", m.name, seen.name, *loop);
      out.failed("mesh-names", bad, "/etc/hosts, resolver of " + m.name,
                 {"gloo-uses-loopback",
                  Layer::Network,
                  fmt::format("On {} the name {} resolves to {}", m.name, seen.name, *loop),
                  "Gloo, Ray and vLLM publish or use that address: the connection ends on the host "
                  "itself.",
                  {{"any", "Give the name its real address in /etc/hosts there", ""},
                   {"any", "Or name interface and address",
                    "GLOO_SOCKET_IFNAME=eth0 VLLM_HOST_IP=<address>"}},
                  at(m)});
    }
  }
  if (!bad.empty()) return;
  if (known == 0) return out.unknown("mesh-names", "no name was resolved", "resolver");
  out.ok("mesh-names", count_text(known, "name") + " resolve to real addresses", "resolver");
}

void check_ports(const MeshData& data, Checklist& out) {
  bool bad = false;
  for (const MeshMember& m : data.members) {
    for (const PortTaken& p : m.ports_taken) {
      bad = true;
      const std::string value = fmt::format("{} on {}: {}", p.port, m.name, p.holder);
      out.failed("mesh-ports", value, "/proc/net/tcp of " + m.name,
                 {"port-in-use",
                  Layer::Network,
                  fmt::format("Port {} is taken on {}", p.port, m.name),
                  p.holder + " holds it.",
                  {{"any", "End it, or give the launch another port",
                    fmt::format("ss -ltnp sport = :{}", p.port)}},
                  at(m)});
    }
  }
  if (!bad) out.ok("mesh-ports", "none of the needed ones is taken", "/proc/net/tcp");
}

void check_identity(const MeshData& data, Checklist& out) {
  std::map<std::string, const MeshMember*> by_name;
  bool bad = false;
  for (const MeshMember& m : data.members) {
    if (!m.present() || m.host_key.empty()) continue;
    const auto [it, fresh] = by_name.emplace(m.name, &m);
    if (fresh || it->second->host_key == m.host_key) continue;
    bad = true;
    Problem p{"duplicate-hostname",
              Layer::Network,
              fmt::format("Two machines call themselves {}", m.name),
              "NCCL adds the boot id and tells them apart, but Ray, Slurm and logs do not.",
              {{"any", "Give each its own name", "hostnamectl set-hostname ..."}},
              at(m)};
    out.warning("mesh-host-names", m.name, "mesh", std::move(p));
  }
  if (!bad) out.ok("mesh-host-names", "all different, or one machine", "mesh");
}

void check_clocks(const MeshData& data, Checklist& out) {
  const auto offsets = clock_offsets(data);
  const auto known =
      std::count_if(offsets.begin(), offsets.end(), [](const auto& o) { return o.has_value(); });
  bool bad = false;
  double worst = 0;
  for (size_t i = 0; i < offsets.size(); ++i) {
    if (!offsets[i]) continue;
    worst = std::max(worst, std::abs(*offsets[i]));
    // Of two, nobody can say which is wrong: they are named once, together.
    if (std::abs(*offsets[i]) < kWrongClockSeconds || (bad && known == 2)) continue;
    bad = true;
    const MeshMember& m = data.members[i];
    const std::string way = *offsets[i] < 0 ? "behind" : "ahead";
    out.warning("mesh-clocks", fmt::format("{}: {:+.1f} s", m.name, *offsets[i]), "mesh",
                {"clock-offset",
                 Layer::Container,
                 fmt::format("The clock of {} is {:.0f} s {}{}", m.name, std::abs(*offsets[i]), way,
                             known == 2 ? " of the other member's" : ""),
                 "Times in the logs of several hosts do not fit together; tokens and certificates "
                 "may be refused.",
                 {{"any", "Start time synchronisation on that node", "chronyc tracking"}},
                 at(m)});
  }
  if (known == 0) return out.unknown("mesh-clocks", "no pair measured", "mesh");
  if (!bad) out.ok("mesh-clocks", fmt::format("at most {:.3f} s apart", worst), "mesh");
}

double median(std::vector<double> v) {
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), middle, v.end());
  return *middle;
}

void check_speed(const MeshData& data, Checklist& out) {
  std::vector<double> rtt_ms, mbit;
  for (const Observation& o : data.observations) {
    if (o.status != PathStatus::Ok) continue;
    rtt_ms.push_back(static_cast<double>(o.rtt_us) / 1000);
    if (o.mbit_s > 0) mbit.push_back(o.mbit_s);
  }
  if (rtt_ms.empty()) return out.unknown("mesh-latency", "no way works", "mesh");
  out.ok("mesh-latency",
         fmt::format("median {:.2f} ms, most {:.2f} ms", median(rtt_ms),
                     *std::max_element(rtt_ms.begin(), rtt_ms.end())),
         "mesh");
  if (mbit.empty()) return;
  out.ok("mesh-sample",
         fmt::format("median {:.0f} Mbit/s, least {:.0f} (one stream each, several at a time)",
                     median(mbit), *std::min_element(mbit.begin(), mbit.end())),
         "mesh");
}

/// Names of interfaces that every present member has a tested address on.
std::vector<std::string> shared_names(const MeshData& data) {
  std::map<std::string, size_t> count;
  size_t present = 0;
  std::vector<std::string> order;
  for (const MeshMember& m : data.members) {
    if (!m.present()) continue;
    ++present;
    std::set<std::string> own;
    for (const MeshAddress& a : m.addresses) {
      if (a.tested && own.insert(a.interface).second && ++count[a.interface] == 1) {
        order.push_back(a.interface);
      }
    }
  }
  std::erase_if(order, [&](const std::string& n) { return count[n] != present; });
  return order;
}

}  // namespace

std::vector<std::optional<double>> clock_offsets(const MeshData& data) {
  // Against each peer as that peer saw it; the median ignores peers whose own clock is off.
  std::vector<std::vector<double>> seen(data.members.size());
  for (const Observation& o : data.observations) {
    if (!o.clock_offset_s) continue;
    seen[static_cast<size_t>(o.to)].push_back(*o.clock_offset_s);
    seen[static_cast<size_t>(o.from)].push_back(-*o.clock_offset_s);
  }
  std::vector<std::optional<double>> out(data.members.size());
  for (size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i].empty()) out[i] = median(seen[i]);
  }
  return out;
}

std::string common_interface(const MeshData& data) {
  std::vector<std::string> working;
  for (const std::string& name : shared_names(data)) {
    size_t tests = 0;
    const bool all =
        std::all_of(data.observations.begin(), data.observations.end(), [&](const Observation& o) {
          const MeshMember& m = data.members[static_cast<size_t>(o.to)];
          if (!m.present() || m.addresses[static_cast<size_t>(o.address)].interface != name) {
            return true;
          }
          ++tests;
          return o.status == PathStatus::Ok;
        });
    if (all && tests > 0) working.push_back(name);
  }
  // What NCCL takes anyway is the smaller change.
  for (const std::string& name : working) {
    const auto takes = [&](const MeshMember& m) {
      return m.chosen() != nullptr && m.chosen()->interface == name;
    };
    if (std::any_of(data.members.begin(), data.members.end(), takes)) return "=" + name;
  }
  return working.empty() ? "" : "=" + working.front();
}

MeshVerdict judge_mesh(const MeshData& data) {
  MeshVerdict verdict;
  verdict.interface_setting = common_interface(data);
  Checklist list;
  judge_paths(data, verdict.interface_setting, list);
  check_arrival(data, list);
  check_choice(data, list);
  check_names(data, list);
  check_ports(data, list);
  check_identity(data, list);
  check_clocks(data, list);
  check_speed(data, list);
  if (verdict.interface_setting.empty()) {
    list.unknown("mesh-interface", "no single interface name works between all members", "mesh");
  } else {
    list.ok("mesh-interface",
            "NCCL_SOCKET_IFNAME=" + verdict.interface_setting + " works everywhere", "mesh");
  }
  verdict.report = list.take("the mesh of " + count_text(data.members.size(), "member"));
  return verdict;
}

}  // namespace rankdx
