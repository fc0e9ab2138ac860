#include "probe/mesh/judge_paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/text.h"
#include "probe/nccl_interfaces.h"

namespace rankdx {
namespace {

constexpr size_t kNamedPairs = 16;

/// What a status means and what to do, in the order of PathStatus.
struct Meaning {
  std::string_view finding, cause, fix, command;
};
constexpr std::array<Meaning, kPathStatuses> kMeanings = {{
    {"", "", "", ""},
    {"node-to-node-traffic-blocked",
     "The connection request gets no answer: a firewall, NetworkPolicy or security group drops it, "
     "or the way back is lost. NCCL uses ephemeral ports, one open port is not enough.",
     "Let all TCP ports pass between the members", "kubectl get networkpolicy -A"},
    {"node-to-node-traffic-blocked",
     "A firewall or router answers that the connection is not allowed.",
     "Let all TCP ports pass between the members", "kubectl get networkpolicy -A"},
    {"node-to-node-traffic-blocked",
     "The host answers that nobody listens on the port the member listens on: a firewall resets "
     "the "
     "connection, or another machine has the address.",
     "Look for reset rules and for a second owner of the address", "ip neigh show"},
    {"node-to-node-traffic-blocked", "There is no route to the address.",
     "Add the route, or use an interface that both networks have", "ip route get <address>"},
    {"node-to-node-traffic-blocked",
     "Nobody answers for the address on its network: cable, VLAN, or a host that is down.",
     "Check link and VLAN of that interface", "ip neigh show"},
    {"connection-closed-at-start",
     "The connection is made and closed at once: a proxy, sidecar or firewall takes part in it.",
     "Take the pods out of the service mesh", "sidecar.istio.io/inject: \"false\""},
    {"connection-silent-after-start",
     "The connection is made, then nothing arrives: a proxy answers for the host, or packets of an "
     "established connection are lost.",
     "Look for a sidecar or a stateful firewall on the way", ""},
    {"duplicate-address", "Another member answers on this address: two machines have it.",
     "Give each machine its own address", "arping -D -I eth0 <address>"},
    {"foreign-connection-to-nccl-port", "Something that is no member answers on the address.",
     "Look for a proxy or a second owner of the address", ""},
    {"mesh-token-wrong", "The member there holds another token.", "Give all members the same token",
     ""},
    {"mtu-mismatch",
     "Small messages pass, full-size packets are lost without a word (MTU black hole): connections "
     "open, then the first large transfer hangs.",
     "Set the interfaces' MTU to what the path carries, or raise the path's",
     "ip link set dev <interface> mtu <size>"},
    {"mesh-way-not-tested", "The test could not be made on this side.", "Look at its output", ""},
}};

struct Way {
  const Observation* seen;
  const MeshMember *from, *to;
  const MeshAddress* address;
};

class PathJudge {
 public:
  PathJudge(const MeshData& data, const std::string& setting, Checklist& out)
      : data_(data), setting_(setting), out_(out) {
    for (const Observation& o : data.observations) {
      const MeshMember& to = member(o.to);
      ways_.push_back({&o, &member(o.from), &to, &to.addresses[static_cast<size_t>(o.address)]});
      const Way& w = ways_.back();
      auto& [good, all] = by_interface_[w.address->interface];
      ++all;
      if (o.status != PathStatus::Ok) continue;
      ++good;
      working_[{w.from, w.to}].insert(w.address->interface);
    }
  }

  void run() {
    name_duplicates();
    for (const Way& w : ways_) {
      ++tested_;
      if (w.seen->status == PathStatus::Ok) continue;
      if (explained(w) || !counts(w)) continue;
      failing_[{w.seen->status, w.address->interface}].push_back(w);
    }
    for (const auto& [key, ways] : failing_) report(key.first, key.second, ways);
    size_t ok = 0;
    for (const Way& w : ways_) ok += w.seen->status == PathStatus::Ok ? 1 : 0;
    const std::string value = fmt::format("{} of {} ways work", ok, tested_);
    if (tested_ == 0) return out_.unknown("mesh-ways", "nothing was tested", "mesh");
    if (failing_.empty() && duplicates_.empty()) out_.ok("mesh-ways", value, "mesh");
  }

 private:
  const MeshMember& member(int i) const { return data_.members[static_cast<size_t>(i)]; }

  /// The same address on two machines, unless it belongs to a bridge that every node has.
  void name_duplicates() {
    std::map<std::string, std::vector<const MeshMember*>> owners;
    for (const MeshMember& m : data_.members) {
      if (!m.present()) continue;
      for (const MeshAddress& a : m.addresses) {
        const bool mesh_of_one = a.address.starts_with("127.");
        if (is_node_local(a.interface) || mesh_of_one) continue;
        auto& list = owners[a.address];
        const bool same_host = std::any_of(list.begin(), list.end(), [&](const MeshMember* o) {
          return o->host_key == m.host_key;
        });
        if (!same_host) list.push_back(&m);
      }
    }
    for (const auto& [address, list] : owners) {
      if (list.size() < 2) continue;
      duplicates_.insert(address);
      std::vector<std::string> names;
      for (const MeshMember* m : list) names.push_back(m->name);
      Where where;
      where.host = names[0];
      where.peer = names[1];
      const std::string value = address + " on " + join(names, " and ");
      out_.failed(
          "mesh-ways", value, "mesh",
          {"duplicate-address",
           Layer::Network,
           fmt::format("{} have the same address {}", join(names, " and "), address),
           "Connections reach one or the other by chance: NCCL reports wrong magic numbers, "
           "refused or closed connections.",
           {{"any", "Give each machine its own address", "arping -D -I eth0 " + address}},
           where});
    }
  }

  /// Failures that a duplicate address accounts for: at it, and at whoever shares it.
  bool explained(const Way& w) const {
    const auto shares = [&](const MeshMember& m) {
      return std::any_of(m.addresses.begin(), m.addresses.end(), [&](const MeshAddress& a) {
        return duplicates_.contains(a.address) && a.interface == w.address->interface;
      });
    };
    return !duplicates_.empty() && (shares(*w.from) || shares(*w.to));
  }

  /// Interfaces that NCCL would not take count only where they work for most: docker0 works for
  /// nobody and matters to nobody.
  bool counts(const Way& w) const {
    if (w.address->chosen) return true;
    const auto [good, all] = by_interface_.at(w.address->interface);
    return 2 * good > all;
  }

  bool works(const MeshMember& from, const MeshMember& to, const std::string& interface) const {
    const auto it = working_.find({&from, &to});
    return it != working_.end() && it->second.contains(interface);
  }

  /// The one member at an end of every failing way, when all its ways (in, out or both) fail and
  /// there are others.
  const MeshMember* culprit(const std::vector<Way>& ways) const {
    const auto present = static_cast<size_t>(
        std::count_if(data_.members.begin(), data_.members.end(),
                      [](const MeshMember& m) { return m.present() || !m.addresses.empty(); }));
    if (present < 3) return nullptr;
    for (const MeshMember& m : data_.members) {
      std::set<const MeshMember*> others;
      const bool all = std::all_of(ways.begin(), ways.end(), [&](const Way& w) {
        if (w.from != &m && w.to != &m) return false;
        others.insert(w.from == &m ? w.to : w.from);
        return true;
      });
      if (all && others.size() + 1 >= present) return &m;
    }
    return nullptr;
  }

  /// Whether other ways to the same members work: then the interface is wrong, not the network.
  bool other_interface_works(const std::vector<Way>& ways) const {
    return std::all_of(ways.begin(), ways.end(), [&](const Way& w) {
      const auto it = working_.find({w.from, w.to});
      return it != working_.end() && !it->second.empty();
    });
  }

  /// One host whose interface leads nowhere, or is another than most take: not a firewall between
  /// hosts.
  bool is_odd_choice(PathStatus status, const MeshMember* who) const {
    if (who == nullptr || who->chosen() == nullptr) return false;
    if (status == PathStatus::NoRoute || status == PathStatus::Unreachable) return true;
    size_t same = 0, all = 0;
    for (const MeshMember& m : data_.members) {
      if (&m == who || m.chosen() == nullptr) continue;
      ++all;
      same += m.chosen()->interface == who->chosen()->interface ? 1 : 0;
    }
    return 2 * same < all;
  }

  std::string title_of(PathStatus status, const std::string& interface,
                       const std::vector<Way>& ways, const MeshMember* culprit) const {
    const std::string on = interface.empty() ? "" : " on " + interface;
    if (culprit != nullptr) {
      const bool in =
          std::all_of(ways.begin(), ways.end(), [&](const Way& w) { return w.to == culprit; });
      const bool away =
          std::all_of(ways.begin(), ways.end(), [&](const Way& w) { return w.from == culprit; });
      return fmt::format("{} {}{}: {}",
                         in     ? "Every way to"
                         : away ? "Every way from"
                                : "Every way to and from",
                         culprit->name, on, to_string(status));
    }
    std::string pairs;
    for (const Way& w : ways) {
      if (&w - ways.data() == 3) {
        pairs += fmt::format(" and {} more", ways.size() - 3);
        break;
      }
      pairs += (pairs.empty() ? "" : ", ") + w.from->name + " to " + w.to->name;
    }
    return fmt::format("{}{}: {}", pairs, on, to_string(status));
  }

  std::string cause_of(PathStatus status, const std::vector<Way>& ways) const {
    std::string cause(kMeanings[static_cast<size_t>(status)].cause);
    const Way& first = ways.front();
    const bool one_way = std::all_of(ways.begin(), ways.end(), [&](const Way& w) {
      return works(*w.to, *w.from, w.address->interface);
    });
    if (one_way) cause += " The other direction works.";
    if (status == PathStatus::Mtu && first.seen->path_mtu > 0) {
      cause += fmt::format(" Interfaces send {} bytes, about {} pass.", first.address->mtu,
                           first.seen->path_mtu);
    }
    if (status == PathStatus::WrongHost) {
      for (const MeshMember& m : data_.members) {
        if (m.present() && m.id == first.seen->answered)
          cause += fmt::format(" {} answered.", m.name);
      }
    }
    return cause;
  }

  void report(PathStatus status, const std::string& interface, const std::vector<Way>& ways) {
    const Meaning& meaning = kMeanings[static_cast<size_t>(status)];
    const MeshMember* who = culprit(ways);
    const bool chosen =
        std::any_of(ways.begin(), ways.end(), [](const Way& w) { return w.address->chosen; });
    Problem p{std::string(meaning.finding),
              Layer::Network,
              title_of(status, interface, ways, who),
              cause_of(status, ways),
              {}};
    const bool path = status >= PathStatus::Filtered && status <= PathStatus::Unreachable;
    if (path && chosen && other_interface_works(ways) && is_odd_choice(status, who)) {
      p.finding = "unreachable-interface-selected";
      p.cause +=
          fmt::format(" Another interface reaches {}: the one that NCCL takes is wrong ({}).",
                      who->name, who->choice);
    }
    p.fix.push_back({"any", std::string(meaning.fix), std::string(meaning.command)});
    if (!setting_.empty()) {
      p.fix.push_back({"any", "Or use the interface that works everywhere, on all members",
                       "NCCL_SOCKET_IFNAME=" + setting_});
    }
    p.where.interface = interface;
    p.where.host = who != nullptr ? who->name : ways.front().from->name;
    if (who == nullptr) p.where.peer = ways.front().to->name;
    add(chosen, ways, std::move(p), who);
  }

  void add(bool chosen, const std::vector<Way>& ways, Problem p, const MeshMember* who) {
    const std::string value =
        fmt::format("{} way{}: {}", ways.size(), ways.size() == 1 ? "" : "s", p.title);
    if (chosen) {
      out_.failed("mesh-ways", value, "mesh", std::move(p));
    } else {
      out_.warning("mesh-ways", value, "mesh", std::move(p));
    }
    if (who != nullptr || ways.size() == 1) return;
    for (size_t i = 1; i < ways.size() && i < kNamedPairs; ++i) {
      Where w;
      w.host = ways[i].from->name;
      w.peer = ways[i].to->name;
      w.interface = ways[i].address->interface;
      out_.also_at(std::move(w));
    }
  }

  const MeshData& data_;
  const std::string& setting_;
  Checklist& out_;
  std::vector<Way> ways_;
  std::map<std::string, std::pair<size_t, size_t>> by_interface_;  ///< ways that work, all
  std::map<std::pair<const MeshMember*, const MeshMember*>, std::set<std::string>> working_;
  std::set<std::string> duplicates_;
  std::map<std::pair<PathStatus, std::string>, std::vector<Way>> failing_;
  size_t tested_ = 0;
};

}  // namespace

void judge_paths(const MeshData& data, const std::string& interface_setting, Checklist& out) {
  PathJudge(data, interface_setting, out).run();
}

}  // namespace rankdx
