#include "explain/event_words.h"

#include <cstdio>
#include <string>

namespace rankdx {
namespace {

using enum EventKind;

// In the order of EventKind; a test checks that none is missing.
constexpr EventWords kWords[] = {
    {Unknown, "unknown",
     "No line of NCCL 2.4 to 2.30.7 begins like this: another version, a plugin, or damaged text."},
    {Other, "other", "A known NCCL line that adds nothing to the picture of ranks and links."},
    {Banner, "banner", "The version of the NCCL library in this process."},
    {GitVersion, "git-version", "The branch and commit that NCCL was built from."},
    {DriverVersion, "driver-version",
     "The newest CUDA version that the driver supports: 13000 is 13.0."},
    {EnvSet, "env-set", "A variable that is in force in this process."},
    {EnvInvalid, "env-invalid", "A variable whose value NCCL does not understand."},
    {CommConfig, "comm-config", "A setting that the program gave to this communicator."},
    {PluginNote, "plugin-note", "Which plugin was found, not found or taken."},
    {BootstrapUsing, "bootstrap-using",
     "The interface and address over which this rank finds the others."},
    {SocketUsing, "socket-using", "The interfaces of the TCP transport, the first one preferred."},
    {IbUsing, "ib-using", "The RDMA devices in use, and the interface for setting up."},
    {IbNoDevice, "ib-no-device", "No RDMA device was found: traffic between hosts takes TCP."},
    {NetFailed, "net-failed", "A network did not come up; the next one is tried."},
    {NetInitialized, "net-initialized", "A network came up."},
    {NetAssigned, "net-assigned", "The network that this communicator uses."},
    {NetUsing, "net-using", "The network that is used between hosts."},
    {InitStart, "init-start", "This rank has entered the set-up of a communicator."},
    {InitComplete, "init-complete",
     "This rank has finished the set-up of a communicator; it says nothing of the others."},
    {BootstrapSplit, "bootstrap-split", "A child communicator has found its members."},
    {SplitNoColor, "split-no-color", "This rank takes no part in the child communicator."},
    {BootstrapTimings, "bootstrap-timings", "How long the ranks took to find each other."},
    {InitTimings, "init-timings", "How long the set-up took, by phase."},
    {Layout, "layout", "How many hosts NCCL counts, and the place of this rank on its own."},
    {Destroy, "destroy", "A communicator is ended by the program."},
    {RingDump, "ring-dump", "The ranks of a ring in order; printed by rank 0."},
    {RingEdge, "ring-edge", "The neighbours of this rank in a ring."},
    {Trees, "trees", "The place of this rank in each tree: down -> rank -> up."},
    {TreeEdge, "tree-edge", "The neighbours of this rank in one tree."},
    {Pattern, "pattern",
     "A result of the search for channels: pattern 4 is a ring, 1 to 3 are trees, 5 is NVLS."},
    {SystemLine, "system", "A part of the machine as NCCL sees it; indentation is the tree."},
    {PathLine, "paths",
     "The paths from one device: hops, bandwidth, and NVL, PIX, PXB, PHB or SYS."},
    {NvlsAvailable, "nvls-available", "Whether NVLink SHARP can be used on this device."},
    {CollNetOff, "collnet-off", "In-network reduction is off: too few hosts. Normal."},
    {Via, "via", "The transport from one rank to another on a channel."},
    {CollNetVia, "collnet-via", "A channel that uses in-network reduction."},
    {GdrReason, "gdr-reason",
     "Whether an adapter reads GPU memory directly (GPUDirect RDMA), and why."},
    {Connected, "connected", "This rank has all connections of a kind."},
    {ChannelCount, "channel-count", "How many channels of each kind the communicator has."},
    {P2pChunk, "p2p-chunk", "Size of the pieces of send and receive."},
    {Thresholds, "thresholds", "Limits by which the number of threads is chosen."},
    {Affinity, "affinity", "The CPU cores of NCCL's threads for this GPU."},
    {ProxyNote, "proxy-note", "A step of the thread that moves data for the GPU."},
    {CollCall, "coll-call", "The program has queued a collective; it says nothing about its end."},
    {CallTrace, "call-trace", "A call of NCCL's interface."},
    {Tuning, "tuning", "The algorithm and protocol taken for a call of this size."},
    {Alloc, "alloc", "Memory that NCCL has taken."},
    {RasNote, "ras-note", "News of the monitoring threads."},
    {RasDead, "ras-dead",
     "The monitoring threads count a process as dead: it does not answer any more."},
    {ProxyClosed, "proxy-closed",
     "A rank of this host closed its connection: it ended, well or badly."},
    {ConnectRetry, "connect-retry", "A connection did not come up at once; it is tried again."},
    {Backtrace, "back-trace",
     "Where in NCCL an error passed on its way up. The cause is the warning before it."},
    {Warn, "warning", "A warning of NCCL."},
};
static_assert(std::size(kWords) == static_cast<size_t>(Warn) + 1);

std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

struct IntField {
  const char* label;
  int Event::*field;
};
constexpr IntField kInts[] = {
    {"rank", &Event::rank},
    {"nranks", &Event::nranks},
    {"cuda device", &Event::cuda_dev},
    {"nvml device", &Event::nvml_dev},
    {"from rank", &Event::from},
    {"to rank", &Event::to},
    {"channel", &Event::channel},
    {"connection", &Event::conn},
    {"channels", &Event::n_channels},
    {"proxy rank", &Event::proxy_rank},
    {"split count", &Event::split_count},
    {"hosts", &Event::n_nodes},
    {"local ranks", &Event::local_ranks},
    {"local rank", &Event::local_rank},
    {"datatype", &Event::datatype},
    {"op", &Event::op},
    {"root", &Event::root},
    {"code", &Event::code},
    {"limit", &Event::limit},
};

struct TextField {
  const char* label;
  std::string_view Event::*field;
};
constexpr TextField kTexts[] = {
    {"function", &Event::func}, {"file", &Event::file},      {"name", &Event::name},
    {"value", &Event::value},   {"peer", &Event::peer_text}, {"text", &Event::text},
};

}  // namespace

const EventWords& words_of(EventKind kind) { return kWords[static_cast<size_t>(kind)]; }

std::vector<Field> captured_fields(const Event& e) {
  std::vector<Field> out;
  for (const IntField& f : kInts) {
    if (e.*f.field >= 0) out.emplace_back(f.label, std::to_string(e.*f.field));
  }
  if (e.has_color) {
    out.emplace_back("color", std::to_string(e.color));
    out.emplace_back("key", std::to_string(e.key));
  }
  if (e.comm != 0) out.emplace_back("communicator", hex(e.comm));
  if (e.parent != 0) out.emplace_back("parent communicator", hex(e.parent));
  if (e.has_comm_id) out.emplace_back("communicator id", hex(e.comm_id));
  if (e.has_bus_id) out.emplace_back("bus id", hex(e.bus_id));
  if (e.kind == CollCall) out.emplace_back("op count", std::to_string(e.op_count));
  if (e.count != 0 || e.kind == CollCall) out.emplace_back("count", std::to_string(e.count));
  if (e.bytes != 0) out.emplace_back("bytes", std::to_string(e.bytes));
  if (e.seconds >= 0) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", e.seconds);
    out.emplace_back("seconds", text);
  }
  if (e.direction != Direction::None)
    out.emplace_back("direction", e.direction == Direction::Send ? "send" : "receive");
  for (const TextField& f : kTexts) {
    if (!(e.*f.field).empty()) out.emplace_back(f.label, std::string(e.*f.field));
  }
  if (e.truncated) out.emplace_back("cut", "yes, by NCCL itself");
  return out;
}

}  // namespace rankdx
