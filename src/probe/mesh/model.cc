#include "probe/mesh/model.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace rankdx {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, kPathStatuses> kWords = {"ok",
                                                                "filtered",
                                                                "rejected",
                                                                "refused",
                                                                "no route",
                                                                "unreachable",
                                                                "closed",
                                                                "silent",
                                                                "wrong host answered",
                                                                "foreign service",
                                                                "wrong token",
                                                                "MTU",
                                                                "local error"};
constexpr std::array<const char*, 4> kKinds = {"hello", "plan", "report", "result"};
constexpr size_t kMaxMembers = 1024, kMaxAddresses = 64, kMaxNames = 1100, kMaxText = 256;

/// Reads typed fields; any field of a wrong type or beyond its limit makes the whole message bad.
class Reader {
 public:
  std::string text(const Json& j, const char* key) {
    const auto it = j.find(key);
    if (it == j.end() || !it->is_string()) return bad_ = true, "";
    std::string out = it->get<std::string>();
    if (out.size() > kMaxText) bad_ = true;
    return out;
  }
  template <class Int>
  Int number(const Json& j) {
    if (!j.is_number_integer()) return bad_ = true, Int{};
    const auto value = j.get<int64_t>();
    if (!std::in_range<Int>(value)) return bad_ = true, Int{};
    return static_cast<Int>(value);
  }
  template <class Int>
  Int number(const Json& j, const char* key) {
    const auto it = j.find(key);
    return it == j.end() ? (bad_ = true, Int{}) : number<Int>(*it);
  }
  double decimal(const Json& j) {
    if (!j.is_number()) return bad_ = true, 0;
    return j.get<double>();
  }
  const Json& list(const Json& j, const char* key, size_t most) {
    static const Json empty = Json::array();
    const auto it = j.find(key);
    if (it == j.end() || !it->is_array() || it->size() > most) return bad_ = true, empty;
    return *it;
  }
  void fail() { bad_ = true; }
  bool bad() const { return bad_; }

 private:
  bool bad_ = false;
};

Json to_json(const MeshAddress& a) {
  return {{"interface", a.interface}, {"address", a.address}, {"mtu", a.mtu},
          {"tcp", a.tcp_port},        {"udp", a.udp_port},    {"chosen", int(a.chosen)},
          {"tested", int(a.tested)}};
}

Json to_json(const MeshMember& m) {
  Json out = {{"index", m.index},   {"id", m.id},         {"name", m.name},
              {"listed", m.listed}, {"host", m.host_key}, {"choice", m.choice}};
  out["addresses"] = Json::array();
  for (const MeshAddress& a : m.addresses) out["addresses"].push_back(to_json(a));
  out["names"] = Json::array();
  for (const NameSeen& n : m.names) {
    out["names"].push_back({{"name", n.name}, {"addresses", n.addresses}});
  }
  out["taken"] = Json::array();
  for (const PortTaken& p : m.ports_taken) {
    out["taken"].push_back({{"port", p.port}, {"holder", p.holder}});
  }
  return out;
}

/// Arrays, because there is one per pair and address.
Json to_json(const Observation& o) {
  Json out = Json::array({o.from, o.to, o.address, static_cast<int>(o.status), o.error,
                          o.connect_us, o.rtt_us, nullptr, o.path_mtu, o.mbit_s, o.answered});
  if (o.clock_offset_s) out[7] = *o.clock_offset_s;
  return out;
}

template <class T>
Json all(const std::vector<T>& values) {
  Json out = Json::array();
  for (const T& v : values) out.push_back(to_json(v));
  return out;
}

MeshMember member_of(const Json& j, Reader& r) {
  MeshMember m;
  m.index = r.number<int>(j, "index");
  m.id = r.text(j, "id");
  m.name = r.text(j, "name");
  m.listed = r.text(j, "listed");
  m.host_key = r.text(j, "host");
  m.choice = r.text(j, "choice");
  for (const Json& a : r.list(j, "addresses", kMaxAddresses)) {
    m.addresses.push_back({r.text(a, "interface"), r.text(a, "address"), r.number<int>(a, "mtu"),
                           r.number<uint16_t>(a, "tcp"), r.number<uint16_t>(a, "udp"),
                           r.number<int>(a, "chosen") != 0, r.number<int>(a, "tested") != 0});
  }
  for (const Json& n : r.list(j, "names", kMaxNames)) {
    NameSeen seen{r.text(n, "name"), {}};
    for (const Json& a : r.list(n, "addresses", kMaxAddresses)) {
      if (a.is_string()) seen.addresses.push_back(a.get<std::string>().substr(0, kMaxText));
    }
    m.names.push_back(std::move(seen));
  }
  for (const Json& p : r.list(j, "taken", kMaxAddresses)) {
    m.ports_taken.push_back({r.number<uint16_t>(p, "port"), r.text(p, "holder")});
  }
  return m;
}

Observation observation_of(const Json& j, Reader& r) {
  Observation o;
  if (!j.is_array() || j.size() != 11 || !j[10].is_string()) return r.fail(), o;
  o.from = r.number<int>(j[0]);
  o.to = r.number<int>(j[1]);
  o.address = r.number<int>(j[2]);
  const int status = r.number<int>(j[3]);
  if (status < 0 || status >= kPathStatuses) r.fail();
  o.status = static_cast<PathStatus>(std::clamp(status, 0, kPathStatuses - 1));
  o.error = r.number<int>(j[4]);
  o.connect_us = r.number<int64_t>(j[5]);
  o.rtt_us = r.number<int64_t>(j[6]);
  if (!j[7].is_null()) o.clock_offset_s = r.decimal(j[7]);
  o.path_mtu = r.number<int>(j[8]);
  o.mbit_s = r.decimal(j[9]);
  o.answered = j[10].get<std::string>().substr(0, kMaxText);
  return o;
}

/// Indices lead into the lists they speak of.
bool consistent(const MeshData& data) {
  const int members = static_cast<int>(data.members.size());
  for (int i = 0; i < members; ++i) {
    if (data.members[static_cast<size_t>(i)].index != i) return false;
  }
  const auto inside = [&](int i) { return i >= 0 && i < members; };
  for (const Observation& o : data.observations) {
    if (!inside(o.from) || !inside(o.to) || o.address < 0) return false;
    const auto& addresses = data.members[static_cast<size_t>(o.to)].addresses;
    if (static_cast<size_t>(o.address) >= addresses.size()) return false;
  }
  return std::all_of(data.silent.begin(), data.silent.end(), inside);
}

std::string packed(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void read_body(const Json& j, Reader& r, Message& m) {
  if (m.kind == MessageKind::Hello)
    m.data.members.push_back(member_of(j.value("member", Json()), r));
  if (m.kind == MessageKind::Plan || m.kind == MessageKind::Result) {
    for (const Json& member : r.list(j, "members", kMaxMembers)) {
      m.data.members.push_back(member_of(member, r));
    }
  }
  if (m.kind == MessageKind::Report || m.kind == MessageKind::Result) {
    for (const Json& o : r.list(j, "observations", 1 << 20)) {
      m.data.observations.push_back(observation_of(o, r));
    }
  }
  if (m.kind == MessageKind::Report) m.id = r.text(j, "id");
  if (m.kind == MessageKind::Result) {
    for (const Json& i : r.list(j, "silent", kMaxMembers))
      m.data.silent.push_back(r.number<int>(i));
  }
}

}  // namespace

const MeshAddress* MeshMember::chosen() const {
  const auto it = std::find_if(addresses.begin(), addresses.end(),
                               [](const MeshAddress& a) { return a.chosen; });
  return it == addresses.end() ? nullptr : &*it;
}

std::string_view to_string(PathStatus status) { return kWords[static_cast<size_t>(status)]; }

std::string hello_text(const MeshMember& member) {
  return packed({{"kind", "hello"}, {"member", to_json(member)}});
}

std::string plan_text(const std::vector<MeshMember>& members) {
  return packed({{"kind", "plan"}, {"members", all(members)}});
}

std::string report_text(const std::string& id, const std::vector<Observation>& observations) {
  return packed({{"kind", "report"}, {"id", id}, {"observations", all(observations)}});
}

std::string result_text(const MeshData& data) {
  return packed({{"kind", "result"},
                 {"members", all(data.members)},
                 {"observations", all(data.observations)},
                 {"silent", data.silent}});
}

Result<Message> parse_message(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  const auto bad = [] {
    return fail(ErrorCode::Corrupt, "a member sent a message that is not ours");
  };
  if (!json.is_object()) return bad();
  Reader reader;
  const std::string kind = reader.text(json, "kind");
  const auto it = std::find(kKinds.begin(), kKinds.end(), kind);
  if (it == kKinds.end()) return bad();
  Message message;
  message.kind = static_cast<MessageKind>(it - kKinds.begin());
  read_body(json, reader, message);
  const bool whole = message.kind == MessageKind::Plan || message.kind == MessageKind::Result;
  if (reader.bad() || (whole && !consistent(message.data))) return bad();
  return message;
}

}  // namespace rankdx
