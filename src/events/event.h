// What one message says. NCCL's lines are parsed into this one flat struct (no allocation; views
// into the line). Which fields a kind fills is stated beside the kind; everything else keeps its
// "absent" value.
#pragma once

#include <cstdint>
#include <string_view>

#include "scan/envelope.h"

namespace rankdx {

enum class EventKind : uint8_t {
  Unknown,  ///< an NCCL line that no row of the grammar describes
  Other,    ///< a known NCCL line without a meaning for the picture (support and detail rows)
  // versions, environment, plugins
  Banner,         ///< value = "2.28.9+cuda13.0"
  GitVersion,     ///< value
  DriverVersion,  ///< count = 13000
  EnvSet,         ///< name, value ("set by environment to", "set to", "set from environment to")
  EnvInvalid,     ///< name, value ("Invalid value %s for %s")
  CommConfig,     ///< name, value
  PluginNote,     ///< name = NET|TUNER|PROFILER|ENV|..., value = rest
  // network
  BootstrapUsing,  ///< name = interface, value = address without port
  SocketUsing,     ///< value = list " [0]eth0:10.0.0.1<0> [1]..." (see for_each_net_device)
  IbUsing,         ///< value = device list; name = OOB interface, peer_text = OOB address
  IbNoDevice,
  NetFailed,       ///< "Failed to initialize NET plugin %s": name
  NetInitialized,  ///< name
  NetAssigned,     ///< name
  NetUsing,        ///< "Using network %s", "Using internal Network %s": name
  // communicator life
  InitStart,     ///< comm rank nranks cuda_dev nvml_dev bus_id comm_id func; children: parent color
                 ///< key split_count
  InitComplete,  ///< same fields
  BootstrapSplit,    ///< comm? parent? rank nranks color key (2.18 to 2.22)
  SplitNoColor,      ///< rank
  BootstrapTimings,  ///< seconds
  InitTimings,       ///< func rank nranks seconds waited_seconds
  Layout,            ///< comm rank nranks n_nodes local_ranks local_rank
  Destroy,           ///< comm rank nranks value = Destroy|Abort|Revoke; start == true for "START"
  // graph
  RingDump,  ///< channel, n_channels, text = rank list (see for_each_int); truncated
  RingEdge,  ///< channel, from = prev, rank, to = next
  Trees,  ///< text = " [0] 1/2/-1->0->-1 [1] ..." (see for_each_tree); form 2.4 is up->rank->down
  TreeEdge,       ///< channel, from = up, rank, text = "d0/d1/d2"
  Pattern,        ///< count = pattern, n_channels, text = whole
  SystemLine,     ///< topology tree and path lines: text
  PathLine,       ///< text
  NvlsAvailable,  ///< rank = device, count = 1 available, 0 not
  CollNetOff,     ///< "Communicator has %d nodes which is less than CollNet node threshold"
  // transport
  Via,           ///< channel conn from to text = transport ("P2P/CUMEM/read", "NET/Socket/0", ...);
                 ///< direction; proxy_rank
  CollNetVia,    ///< channel rank text direction
  GdrReason,     ///< "GPU Direct RDMA Enabled/Disabled ...": count = 1/0, text
  Connected,     ///< name = rings|trees|collnet|nvls tree|binomial trees|chains
  ChannelCount,  ///< n_channels = coll channels, text = whole
  P2pChunk,      ///< bytes
  Thresholds,
  Affinity,   ///< rank = device, text
  ProxyNote,  ///< proxy service/progress lines
  // run
  CollCall,      ///< name, op_count, count, datatype, op, root, comm, nranks
  CallTrace,     ///< NCCL CALL lines: name, comm
  Tuning,        ///< name, bytes, text = "TREE"/"RING", value = proto
  Alloc,         ///< bytes
  RasNote,       ///< text
  RasDead,       ///< "RAS declaring peer %s as DEAD": peer_text
  ProxyClosed,   ///< "[Service thread] Connection closed by localRank %d": rank
  ConnectRetry,  ///< "...connect to IP<port> returned ERR, retrying (n/m)": peer_text (may be ""),
                 ///< value = errno text, count = n, limit = m
  // errors
  Backtrace,  ///< file:line -> N: file, code, text = "[Async thread]" or ""
  Warn,       ///< any WARN that is not one of the above: text = body
};

enum class Direction : uint8_t { None, Send, Receive };

struct Event {
  EventKind kind = EventKind::Unknown;
  Direction direction = Direction::None;
  bool truncated = false;  ///< the printed list was cut by NCCL ("..." or the buffer limit)
  bool start = false;
  bool hot = false;  ///< bulk kinds that no rule looks at (COLL, CALL, TUNING, ALLOC, Via,
                     ///< Ring/Tree edges, proxy): skip the literal gate
  int rank = -1;
  int nranks = -1;
  int cuda_dev = -1;
  int nvml_dev = -1;
  int from = -1;
  int to = -1;
  int channel = -1;
  int conn = -1;
  int n_channels = -1;
  int proxy_rank = -1;
  int color = -1;
  int key = -1;
  int split_count = -1;
  int n_nodes = -1;
  int local_ranks = -1;
  int local_rank = -1;
  int datatype = -1;
  int op = -1;
  int root = -1;
  int code = -1;
  int limit = -1;
  bool has_color = false;
  bool has_comm_id = false;
  bool has_bus_id = false;
  uint64_t comm = 0;    ///< pointer, valid inside one process only
  uint64_t parent = 0;  ///< pointer of the parent communicator in the same process
  uint64_t comm_id = 0;
  uint64_t bus_id = 0;  ///< packed PCI address: 0x1b000 is 0000:1b:00.0
  uint64_t op_count = 0;
  uint64_t count = 0;
  uint64_t bytes = 0;
  double seconds = -1;
  double waited_seconds = -1;  ///< InitTimings: in the bootstrap and in allgathers, for other ranks
  std::string_view func;
  std::string_view file;
  std::string_view name;
  std::string_view value;
  std::string_view peer_text;  ///< address or host at the other end, without port and brackets when
                               ///< it is an address
  std::string_view text;
};

}  // namespace rankdx
