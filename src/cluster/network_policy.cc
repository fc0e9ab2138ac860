#include "cluster/network_policy.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"

namespace rankdx {
namespace {

using Json = nlohmann::json;
using Labels = std::map<std::string, std::string>;

const Json& part(const Json& object, const char* key) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(key);
  return found != object.end() ? *found : none;
}

std::string text(const Json& object, const char* key) {
  const Json& value = part(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

bool has_text(const Json& array, const std::string& value) {
  return array.is_array() &&
         std::any_of(array.begin(), array.end(), [&](const Json& one) { return one == value; });
}

/// A LabelSelector; an empty one selects everything.
bool selects(const Json& selector, const Labels& labels) {
  for (const auto& [key, value] : part(selector, "matchLabels").items()) {
    const auto found = labels.find(key);
    if (found == labels.end() || value != found->second) return false;
  }
  for (const Json& e : part(selector, "matchExpressions")) {
    const auto found = labels.find(text(e, "key"));
    const std::string op = text(e, "operator");
    const bool in = found != labels.end() && has_text(part(e, "values"), found->second);
    if (op == "In" && !in) return false;
    if (op == "NotIn" && in) return false;
    if (op == "Exists" && found == labels.end()) return false;
    if (op == "DoesNotExist" && found != labels.end()) return false;
  }
  return true;
}

bool in_network(const std::string& ip, std::string_view cidr) {
  std::string_view bits_text;
  const std::string net(take_until(cidr, '/', bits_text));
  in_addr a{}, n{};
  const int bits = parse_int<int>(bits_text).value_or(-1);
  if (bits < 0 || bits > 32 || ::inet_pton(AF_INET, ip.c_str(), &a) != 1 ||
      ::inet_pton(AF_INET, net.c_str(), &n) != 1)
    return false;
  const uint32_t mask = bits == 0 ? 0 : ~uint32_t{0} << (32 - bits);
  return ((ntohl(a.s_addr) ^ ntohl(n.s_addr)) & mask) == 0;
}

bool peer_matches(const Json& peer, const PodInfo& pod) {
  if (const Json& block = part(peer, "ipBlock"); block.is_object()) {
    if (!in_network(pod.ip, text(block, "cidr"))) return false;
    for (const Json& except : part(block, "except")) {
      if (except.is_string() && in_network(pod.ip, except.get<std::string>())) return false;
    }
    return true;
  }
  // Labels of namespaces are not read: a namespaceSelector with conditions may or may not select
  // this one; the doubt goes to the policy, as a false alarm costs more.
  const Json& selector = part(peer, "podSelector");
  return !selector.is_object() || selects(selector, pod.labels);
}

/// Whether a rule's ports hold all that NCCL may use; else they are named in `open`.
bool all_ports(const Json& ports, std::set<std::string>& open) {
  constexpr int kFirstEphemeral = 32768, kLastEphemeral = 60999;  // net.ipv4.ip_local_port_range
  if (!ports.is_array() || ports.empty()) return true;
  for (const Json& p : ports) {
    const std::string protocol = text(p, "protocol").empty() ? "TCP" : text(p, "protocol");
    const Json& port = part(p, "port");
    if (port.is_null() && protocol == "TCP") return true;
    const int first = port.is_number_integer() ? port.get<int>() : 0;
    const Json& end = part(p, "endPort");
    const int last = end.is_number_integer() ? end.get<int>() : first;
    if (protocol == "TCP" && first > 0 && first <= kFirstEphemeral && last >= kLastEphemeral)
      return true;
    open.insert(protocol + " " +
                (port.is_string() ? port.get<std::string>()
                 : last > first   ? fmt::format("{}-{}", first, last)
                                  : std::to_string(first)));
  }
  return false;
}

enum class Direction : uint8_t { Ingress, Egress };

struct Policy {
  std::string name;
  Json spec;
  bool ingress = false, egress = false;
};

Policy policy_of(const Json& item) {
  Policy p;
  p.name = text(part(item, "metadata"), "name");
  p.spec = part(item, "spec");
  const Json& types = part(p.spec, "policyTypes");
  p.ingress = !types.is_array() || has_text(types, "Ingress");
  p.egress = types.is_array() ? has_text(types, "Egress") : part(p.spec, "egress").is_array();
  return p;
}

/// Whether policies let `pod` exchange with `peer` in one direction.
bool passes(const std::vector<const Policy*>& isolating, Direction way, const PodInfo& peer,
            std::set<std::string>& open) {
  const bool ingress = way == Direction::Ingress;
  for (const Policy* p : isolating) {
    for (const Json& rule : part(p->spec, ingress ? "ingress" : "egress")) {
      const Json& peers = part(rule, ingress ? "from" : "to");
      const bool any = !peers.is_array() || peers.empty();
      const bool matches = any || std::any_of(peers.begin(), peers.end(), [&](const Json& one) {
                             return peer_matches(one, peer);
                           });
      if (matches && all_ports(part(rule, "ports"), open)) return true;
    }
  }
  return false;
}

}  // namespace

Result<std::vector<PolicyCut>> policy_cuts(const std::vector<std::string>& pages,
                                           const std::vector<PodInfo>& pods) {
  constexpr size_t kMostCuts = 16, kMostPods = 200;
  std::vector<Policy> policies;
  for (const std::string& page : pages) {
    const Json json = Json::parse(page, nullptr, false);
    if (json.is_discarded())
      return fail(ErrorCode::Corrupt, "the list of NetworkPolicies is no valid JSON");
    for (const Json& item : json) policies.push_back(policy_of(item));
  }
  std::vector<PolicyCut> cuts;
  const size_t count = std::min(pods.size(), kMostPods);
  for (size_t i = 0; i < count; ++i) {
    for (const Direction way : {Direction::Ingress, Direction::Egress}) {
      const bool ingress = way == Direction::Ingress;
      std::vector<const Policy*> isolating;
      for (const Policy& p : policies) {
        if ((ingress ? p.ingress : p.egress) &&
            selects(part(p.spec, "podSelector"), pods[i].labels))
          isolating.push_back(&p);
      }
      if (isolating.empty() || pods[i].host_network) continue;
      for (size_t j = 0; j < count; ++j) {
        std::set<std::string> open;
        if (i == j || passes(isolating, way, pods[j], open)) continue;
        const std::string allowed =
            open.empty() ? "nothing" : join({open.begin(), open.end()}, ", ");
        const std::string direction = ingress ? "ingress" : "egress";
        auto same = std::find_if(cuts.begin(), cuts.end(), [&](const PolicyCut& c) {
          return c.policy == isolating[0]->name && c.direction == direction && c.allowed == allowed;
        });
        if (same != cuts.end())
          ++same->pairs;
        else if (cuts.size() < kMostCuts)
          cuts.push_back({ingress ? pods[j].name : pods[i].name,
                          ingress ? pods[i].name : pods[j].name, isolating[0]->name, direction,
                          allowed, 1});
      }
    }
  }
  return cuts;
}

}  // namespace rankdx
