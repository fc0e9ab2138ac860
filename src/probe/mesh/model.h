// What the mesh knows: who takes part, and what each saw on the way to each address of the others.
// Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rankdx {

struct MeshAddress {
  std::string interface, address;
  int mtu = 0;
  uint16_t tcp_port = 0, udp_port = 0;  ///< where the member answers probes; 0: could not listen
  bool chosen = false;                  ///< the one NCCL's bootstrap would publish
  bool tested = false;  ///< a candidate; others are announced only to find duplicates
};

struct PortTaken {
  uint16_t port = 0;
  std::string holder;
};

struct NameSeen {
  std::string name;
  std::vector<std::string> addresses;
};

struct MeshMember {
  int index = 0;
  std::string id;        ///< "" when it never arrived
  std::string name;      ///< host name, or as it was listed
  std::string listed;    ///< address or name in the list of peers; may be empty
  std::string host_key;  ///< machine: boot id and host name
  std::string choice;    ///< why NCCL would take that interface
  std::vector<MeshAddress> addresses;
  std::vector<NameSeen> names;  ///< what names resolve to on this member; the first is its own
  std::vector<PortTaken> ports_taken;
  bool present() const { return !id.empty(); }
  const MeshAddress* chosen() const;
};

enum class PathStatus : uint8_t {
  Ok,
  Filtered,  ///< no answer to the connection request
  Rejected,  ///< refused by a firewall or router with a message
  Refused,   ///< the host answers: nobody listens there
  NoRoute,
  Unreachable,  ///< the address does not answer on its network (ARP)
  Closed,       ///< connected, then closed or reset
  Silent,       ///< connected, then no byte arrives
  WrongHost,    ///< another member answers
  Foreign,      ///< something that is no member answers
  WrongToken,
  Mtu,         ///< small messages pass, full-size ones do not
  LocalError,  ///< this side could not even try
};
inline constexpr int kPathStatuses = 13;
std::string_view to_string(PathStatus status);

/// One address of `to` as seen from `from`.
struct Observation {
  int from = 0, to = 0, address = 0;  ///< indices of members, and into `to`'s addresses
  PathStatus status = PathStatus::LocalError;
  int error = 0;  ///< errno
  int64_t connect_us = 0, rtt_us = 0;
  std::optional<double> clock_offset_s;  ///< of `to` against `from`
  int path_mtu = 0;      ///< largest IP packet that passed with the don't-fragment bit; 0 unknown
  double mbit_s = 0;     ///< one short sample; 0 none
  std::string answered;  ///< id of who answered instead
};

struct MeshData {
  std::vector<MeshMember> members;
  std::vector<Observation> observations;
  std::vector<int> silent;  ///< members that joined and never reported
};

// Between members, as JSON texts: bounded and checked, because a member may be broken.
std::string hello_text(const MeshMember& member);
std::string plan_text(const std::vector<MeshMember>& members);
std::string report_text(const std::string& id, const std::vector<Observation>& observations);
std::string result_text(const MeshData& data);

enum class MessageKind : uint8_t { Hello, Plan, Report, Result };
struct Message {
  MessageKind kind = MessageKind::Hello;
  std::string id;  ///< of the sender of a report
  MeshData data;   ///< hello: one member; plan: members; report: observations; result: all
};
Result<Message> parse_message(std::string_view text);

}  // namespace rankdx
