#include "events/nccl/heads.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <type_traits>

#include "events/nccl/parsers.h"

namespace rankdx::nccl {
namespace {

using enum EventKind;

/// Takes "[Rank 0] " off (2.29.2 and later, before Init START) and looks again.
bool parse_after_rank(Cursor at, Event& event) {
  int rank = -1;
  return at.take_int(rank) && at.take("] ") && parse_message(at.rest(), event, 1);
}

constexpr Head kHeads[] = {
    {"=== System : ", SystemLine, parse_whole},
    {"==========", SystemLine, parse_whole},
    {"AllGather", CollCall, parse_operation},
    {"AllReduce", CollCall, parse_operation},
    {"Allocated ", Alloc, parse_alloc},
    {"AlltoAll", CollCall, parse_operation},
    {"Assigned NET plugin ", NetAssigned, parse_name},
    {"Bootstrap : Using", BootstrapUsing, parse_bootstrap_using},
    {"Bootstrap timings total ", BootstrapTimings, parse_bootstrap_timings},
    {"Bootstrap: Using", BootstrapUsing, parse_bootstrap_using},
    {"Broadcast", CollCall, parse_operation},
    {"CPU/", SystemLine, parse_node},
    {"CUMEM Host Alloc ", Alloc, parse_alloc},
    {"CUMEM allocated ", Alloc, parse_alloc},
    {"CXB/", SystemLine, parse_node},
    {"Call to connect returned ", ConnectRetry, parse_retry},
    {"Channel ", Via, parse_channel},
    {"Coll ", CollNetVia, parse_collnet_via},
    {"CollNet ", CollNetVia, parse_collnet_via},
    {"Comm config ", CommConfig, parse_comm_config},
    {"Communicator has ", CollNetOff, parse_collnet_off},
    {"Connected ", Connected, parse_connected},
    {"Connected to proxy ", ProxyNote},
    {"Connection to proxy ", ProxyNote},
    {"Cuda Alloc Size ", Alloc, parse_alloc},
    {"Cuda Calloc Size ", Alloc, parse_alloc},
    {"Cuda CallocAsync Size ", Alloc, parse_alloc},
    {"Cuda Host Alloc Size ", Alloc, parse_alloc},
    {"DEV/", SystemLine, parse_node},
    {"Destroyed comm ", Destroy, parse_destroyed},
    {"Failed to initialize NET plugin ", NetFailed, parse_name},
    {"GIN/", SystemLine, parse_node},
    {"GPU Direct RDMA ", GdrReason, parse_gdr},
    {"GPU/", SystemLine, parse_node},
    {"Gather", CollCall, parse_operation},
    {"Host Calloc Size ", Alloc, parse_alloc},
    {"Ib Alloc Size ", Alloc, parse_alloc},
    {"Imported shareable buffer ", Alloc, parse_alloc},
    {"Init timings", InitTimings, parse_init_timings},
    {"Initialized NET plugin ", NetInitialized, parse_name},
    {"Invalid NCCL_", EnvInvalid, parse_env_out_of_range},
    {"Invalid value ", EnvInvalid, parse_env_invalid},
    {"MMAP allocated ", Alloc, parse_alloc},
    {"Mem Alloc Size ", Alloc, parse_alloc},
    {"Mem Realloc ", Alloc, parse_alloc},
    {"NCCL git version ", GitVersion, parse_banner},
    {"NCCL version ", Banner, parse_banner},
    {"NCCL_", EnvSet, parse_env},
    {"NET : Using interface ", SocketUsing, parse_old_interface},
    {"NET/", SystemLine, parse_net},
    {"NET/IB : No device found", IbNoDevice},
    {"NET/IB : Using ", IbUsing, parse_ib_using},
    {"NET/Socket : Using ", SocketUsing, parse_socket_using},
    {"NIC/", SystemLine, parse_node},
    {"NVLS multicast support is ", NvlsAvailable, parse_nvls_available},
    {"NVS/", SystemLine, parse_node},
    {"New proxy ", ProxyNote},
    {"P2P Chunksize set to ", P2pChunk, parse_p2p_chunk},
    {"PCI/", SystemLine, parse_node},
    {"Paths from ", PathLine, parse_whole},
    {"Pattern ", Pattern, parse_pattern},
    {"Persistent ", Alloc, parse_alloc},
    {"ProxyCall ", ProxyNote},
    {"PutSignal", CollCall, parse_operation},
    {"Queuing opId=", ProxyNote},
    {"RAS ", RasNote, parse_whole},
    {"RAS declaring peer ", RasDead, parse_ras_dead},
    {"RMA/", SystemLine, parse_node},
    {"Rank ", SplitNoColor, parse_split_no_color},
    {"Received and initiated operation=", ProxyNote},
    {"Recv", CollCall, parse_operation},
    {"Reduce", CollCall, parse_operation},
    {"Ring ", Via, parse_channel},
    {"SHM path string Size ", Alloc, parse_alloc},
    {"Scatter", CollCall, parse_operation},
    {"Send", CollCall, parse_operation},
    {"Setting affinity for GPU ", Affinity, parse_affinity},
    {"Signal", CollCall, parse_operation},
    {"Tree ", TreeEdge, parse_tree_edge},
    {"Trees", Trees, parse_trees},
    {"UDS ", ProxyNote},
    {"UDS: ", ProxyNote},
    {"Using external Network ", NetUsing, parse_name},
    {"Using internal Network ", NetUsing, parse_name},
    {"Using network ", NetUsing, parse_name},
    {"Using tuner plugin: ", PluginNote, parse_tuner_plugin},
    {"WaitSignal", CollCall, parse_operation},
    {"[Proxy Progress] ", ProxyNote},
    {"[Proxy Service", ProxyNote},
    {"[Rank ", Other, parse_after_rank},
    {"[Service thread] Connection closed by localRank ", ProxyClosed, parse_proxy_closed},
    {"bootstrapSplit: ", BootstrapSplit, parse_bootstrap_split},
    {"comm (nil) ", Layout, parse_comm},
    {"comm 0x", Layout, parse_comm},
    {"cudaDriverVersion ", DriverVersion, parse_driver_version},
    {"ncclPollProxyResponse ", ProxyNote},
    {"ncclTopoGetCpuAffinity: ", Affinity, parse_affinity},
    {"netName buffer Size ", Alloc, parse_alloc},
    {"opCount ", CollCall, parse_operation},
    {"proxy listening ", ProxyNote},
    {"proxyProgressAsync ", ProxyNote},
    {"proxyUDSRecvReq::", ProxyNote},
    {"rank ", InitStart, parse_rank},
    {"recvConnect nccl", ProxyNote},
    {"recvOpId=", ProxyNote},
    {"resp.opId=", ProxyNote},
    {"sendConnect nccl", ProxyNote},
    {"threadThresholds ", Thresholds},
    {"timings: rank ", Other, parse_connect_timings},
};

constexpr bool by_text(const Head& a, const Head& b) { return a.text < b.text; }
static_assert(std::is_sorted(std::begin(kHeads), std::end(kHeads), by_text));
static_assert(std::all_of(std::begin(kHeads), std::end(kHeads),
                          [](const Head& h) { return h.text.size() >= 4; }));

/// skim_nccl() promises that digits do not change the kind.
constexpr bool is_told_by_digits(const Head& head) {
  return head.text.find_first_of("0123456789") != std::string_view::npos;
}
constexpr bool is_skimmed(EventKind kind) {
  return kind == ProxyNote || kind == Alloc || kind == CollCall;
}
static_assert(std::none_of(std::begin(kHeads), std::end(kHeads), [](const Head& head) {
  return is_skimmed(head.kind) &&
         std::any_of(std::begin(kHeads), std::end(kHeads), [&](const Head& other) {
           return other.text.substr(0, 4) == head.text.substr(0, 4) && is_told_by_digits(other);
         });
}));

constexpr uint32_t key_of(std::string_view text) {
  uint32_t key = 0;
  if (!std::is_constant_evaluated()) {
    std::memcpy(&key, text.data(), sizeof key);
    return key;
  }
  for (int i = 3; i >= 0; --i)
    key = key << 8 | static_cast<unsigned char>(text[static_cast<size_t>(i)]);
  return key;
}

struct Group {
  uint32_t key = 0;
  uint8_t first = 0, count = 0;
};
constexpr size_t kSlots = 512;
constexpr size_t slot_of(uint32_t key) { return (key * 0x9e3779b1u) >> 23; }
static_assert(std::size(kHeads) < 256 && (uint32_t{0xffffffff} >> 23) == kSlots - 1);

/// Open addressing over the groups of equal first 4 bytes.
constexpr auto make_groups() {
  std::array<Group, kSlots> groups{};
  for (size_t i = 0; i < std::size(kHeads); ++i) {
    const uint32_t key = key_of(kHeads[i].text);
    size_t slot = slot_of(key);
    while (groups[slot].count && groups[slot].key != key) slot = (slot + 1) % kSlots;
    if (!groups[slot].count) groups[slot] = {key, static_cast<uint8_t>(i), 0};
    ++groups[slot].count;
  }
  return groups;
}
constexpr auto kGroups = make_groups();

/// Bytes 4 to 11 of each head, for a look before memcmp: a head fits if the bytes under its mask
/// are the same.
struct Next8 {
  uint64_t bytes = 0, mask = 0;
};
constexpr auto make_next8() {
  std::array<Next8, std::size(kHeads)> next{};
  for (size_t i = 0; i < next.size(); ++i) {
    for (size_t k = 4; k < std::min<size_t>(kHeads[i].text.size(), 12); ++k) {
      next[i].bytes |= uint64_t{static_cast<unsigned char>(kHeads[i].text[k])} << (k - 4) * 8;
      next[i].mask |= uint64_t{0xff} << (k - 4) * 8;
    }
  }
  return next;
}
constexpr auto kNext8 = make_next8();

/// `body` begins with the first 4 bytes of the head.
inline bool begins_with(std::string_view body, size_t head) {
  const std::string_view text = kHeads[head].text;
  if (body.size() < 12) return body.starts_with(text);
  uint64_t bytes;
  std::memcpy(&bytes, body.data() + 4, sizeof bytes);
  if (((bytes ^ kNext8[head].bytes) & kNext8[head].mask) != 0) return false;
  return text.size() <= 12 || body.starts_with(text);
}
static_assert(std::endian::native == std::endian::little);

}  // namespace

std::span<const Head> heads() { return kHeads; }

std::span<const Head> find_heads(std::string_view body) {
  if (body.size() < 4) return {};
  const uint32_t key = key_of(body);
  for (size_t slot = slot_of(key); kGroups[slot].count; slot = (slot + 1) % kSlots) {
    if (kGroups[slot].key == key)
      return std::span(kHeads).subspan(kGroups[slot].first, kGroups[slot].count);
  }
  return {};
}

const Head* longest_head(std::span<const Head> group, std::string_view body) {
  const auto first = group.empty() ? 0 : static_cast<size_t>(group.data() - kHeads);
  for (size_t i = group.size(); i-- > 0;) {
    if (begins_with(body, first + i)) return &group[i];
  }
  return nullptr;
}

bool begins_like_a_message(std::string_view body) {
  const auto group = find_heads(body);
  return std::any_of(group.begin(), group.end(),
                     [&](const Head& h) { return h.parse && body.starts_with(h.text); });
}

bool parse_message(std::string_view body, Event& event, int depth) {
  constexpr int kMaxDepth = 3;
  if (depth > kMaxDepth) return false;
  const auto group = find_heads(body);
  const auto first = group.empty() ? 0 : static_cast<size_t>(group.data() - kHeads);
  for (size_t i = group.size(); i-- > 0;) {
    const Head& head = group[i];
    if (!begins_with(body, first + i)) continue;
    event.kind = head.kind;
    if (!head.parse || head.parse(Cursor(body, head.text.size()), event)) return true;
    event = Event{};
  }
  return parse_by_shape(body, event, depth);
}

}  // namespace rankdx::nccl
