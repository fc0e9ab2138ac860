// Facts: what is kept of a log. Every source (file, stream, bundle member) is folded into one
// SourceFacts on its own; Facts is a map of them, and merge() is the union of two maps:
// associative, commutative, idempotent. Everything that needs more than one source (communicators
// over ranks, who is missing) is worked out later, by assemble(). Facts grow with processes and
// communicators, never with lines: limits stand beside the fields.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "events/phases.h"
#include "scan/envelope.h"

namespace rankdx {

/// A line that was kept: its number in the source and its text (at most kMaxKeptText bytes).
struct KeptLine {
  uint64_t line = 0;  ///< 1-based; 0 = none
  std::string text;
  auto operator<=>(const KeptLine&) const = default;
};
inline constexpr size_t kMaxKeptText = 2048;

/// How far a rank got with a communicator, or a process as a whole.
enum class Stage : uint8_t {
  Seen,
  Bootstrap,
  InitStart,
  Topology,
  Graph,
  Connect,
  InitComplete,
  Collectives,
  Destroyed,
  Failed
};
std::string_view to_string(Stage stage);  ///< the words of the JSON contract

/// One connection line group: all channels of a pair over one transport, as one process printed
/// them.
struct LinkFacts {
  int from = -1, to = -1;  ///< ranks of the communicator
  std::string
      transport;  ///< "P2P/CUMEM/read", "NET/Socket/0", "SHM/direct/direct", "NET/IB/0/GDRDMA"
  uint64_t channels = 0;  ///< bit i: channel i (bit 63: 63 and above)
  KeptLine first;
  auto operator<=>(const LinkFacts&) const = default;
};

struct TreeFacts {
  int channel = -1, up = -1, down[3] = {-1, -1, -1};
  auto operator<=>(const TreeFacts&) const = default;
};
struct RingFacts {
  int channel = -1, prev = -1, next = -1;
  auto operator<=>(const RingFacts&) const = default;
};
struct RingDumpFacts {
  int channel = -1;
  std::vector<int> ranks;
  bool truncated = false;
  auto operator<=>(const RingDumpFacts&) const = default;
};

/// A collective call as a rank logged it (subsystem COLL).
struct CallFacts {
  std::string name;
  uint64_t op_count = 0, count = 0;
  int datatype = -1, op = -1, root = -1;
  uint64_t line = 0;
  auto operator<=>(const CallFacts&) const = default;
};

/// One communicator as one process saw it.
struct CommFacts {
  uint64_t comm = 0;  ///< pointer; 0 when only pointer-less lines were seen
  uint64_t comm_id = 0;
  bool has_comm_id = false;
  uint64_t parent = 0;    ///< pointer of the parent in this process
  int parent_index = -1;  ///< index of the parent in ProcessFacts::comms, -1 unknown
  int color = 0, key = 0, split_count = -1;  ///< of a child; split_count from 2.24.3
  bool has_color = false;
  int split_order = -1;  ///< which child of its parent in this process, by order (0-based)
  std::string func;
  int tid = -1;
  int rank = -1, nranks = -1, cuda_dev = -1, nvml_dev = -1;
  uint64_t bus_id = 0;
  bool has_bus_id = false;
  int n_nodes = -1, local_ranks = -1, local_rank = -1;
  int n_channels = -1;
  double init_seconds = -1;
  double waited_seconds = -1;  ///< of them: in the bootstrap and in allgathers, for other ranks
  Stage stage = Stage::Seen;
  bool failed = false;  ///< an error back-trace or an abort while it was being set up
  int64_t start_us = kNoTime, complete_us = kNoTime;
  KeptLine start, complete, destroyed, layout, timings;
  std::vector<LinkFacts> links;       ///< sorted by (from, to, transport)
  std::vector<RingFacts> ring_edges;  ///< sorted; at most 64 channels
  std::vector<RingDumpFacts> ring_dumps;
  std::vector<TreeFacts> trees;
  bool rings_connected = false, trees_connected = false;
  // collectives, from COLL lines
  uint64_t calls = 0;                  ///< number of COLL lines
  std::vector<CallFacts> first_calls;  ///< at most kFirstCalls
  std::vector<CallFacts> last_calls;   ///< at most kLastCalls, oldest first
  /// The line that says how long the set-up took.
  const KeptLine& timed() const { return timings.line ? timings : complete; }
  static constexpr size_t kFirstCalls = 64, kLastCalls = 8;
  auto operator<=>(const CommFacts&) const = default;
};

/// Connect attempts of one process to one address with one error.
struct RetryFacts {
  std::string peer;   ///< address without port; "" before 2.27.3, which prints none
  std::string error;  ///< "Connection refused", "Connection timed out", "No route to host"
  bool from_main_thread =
      false;  ///< tid == pid: the rank itself, not rank 0's bootstrap root thread
  int tid = -1;
  uint64_t count = 0;
  int last_try = -1, limit = -1;
  bool exhausted = false;  ///< the retries ended in an error
  KeptLine first, last;
  auto operator<=>(const RetryFacts&) const = default;
};

/// A peer that the RAS thread of this process could not reach in time (RAS subsystem, 2.24.3 and
/// later).
struct RasTimeoutFacts {
  std::string address;
  KeptLine at;
  auto operator<=>(const RasTimeoutFacts&) const = default;
};

struct EnvFacts {
  std::string name, value;
  KeptLine at;
  auto operator<=>(const EnvFacts&) const = default;
};
struct InterfaceFacts {
  std::string name, address;
  bool bootstrap = false;
  KeptLine at;
  auto operator<=>(const InterfaceFacts&) const = default;
};

/// How far the engine of a process came, by its own words (events/phases.h).
struct PhaseFacts {
  Phase phase = Phase::Boot;
  KeptLine entered;  ///< the line that began this phase; line 0: no phase was printed
  KeptLine last;     ///< its last sign of progress
  int64_t entered_us = kNoTime, last_us = kNoTime;
  double done = 0, total = 0;  ///< of a progress bar; total 0: none in this phase
  double left_s = -1;          ///< as the bar estimates; -1 unknown
  uint64_t waits = 0;          ///< lines since then that only say that it waits
  KeptLine last_wait;
  int64_t last_wait_us = kNoTime;
  auto operator<=>(const PhaseFacts&) const = default;
};

/// A Python traceback as one thing: what was raised, where, and what it was raised upon.
struct PythonErrorFacts {
  uint64_t first_line = 0;  ///< where the traceback begins
  KeptLine raised;          ///< the line that names the exception
  uint64_t count = 1;       ///< the same again, from the same process
  int process = -1;         ///< index into SourceFacts::processes
  int label_rank = -1;
  int64_t time_us = kNoTime;
  std::string exception, message;
  std::vector<KeptLine> frames;  ///< the innermost kFrames, outermost of them first
  uint64_t frame_count = 0;
  /// The exception before this one in its chain (index into SourceFacts::python_errors), -1 none.
  int earlier = -1;
  bool direct = false;  ///< "direct cause", else "during handling"
  static constexpr size_t kFrames = 4, kFrameText = 240;
  auto operator<=>(const PythonErrorFacts&) const = default;
};
inline constexpr size_t kMaxPythonErrors = 256;  ///< per source

/// One process of a source. The key is (origin, host, pid): containers reuse small pids, so it is
/// unique only inside its source.
struct ProcessFacts {
  std::string origin;  ///< pod/container or other wrapper name; ""
  std::string actor;   ///< Ray / vLLM actor name; ""
  std::string host;    ///< NCCL prefix; "" for a process that printed no NCCL line
  int pid = -1;
  int label_rank = -1;  ///< rank printed by a launcher wrapper
  uint64_t lines = 0;   ///< all messages
  uint64_t nccl_lines = 0, warns = 0;
  uint64_t first_line = 0, last_line = 0;
  int64_t first_us = kNoTime, last_us = kNoTime;
  KeptLine last_nccl;     ///< its last NCCL message
  bool last_cut = false;  ///< that message is not whole, or none that NCCL prints
  Stage stage = Stage::Seen;
  std::vector<std::string> versions;  ///< "2.28.9+cuda13.0", sorted
  KeptLine version_line;
  /// Bounds that the wording of its lines puts on the version, as major*10000+minor*100+patch
  /// (2.24.3 = 22403); 0 none.
  int version_at_least = 0, version_at_most = 0;
  KeptLine at_least_line, at_most_line;
  int driver_version = -1;
  std::vector<EnvFacts> env;               ///< sorted by name, value
  std::vector<InterfaceFacts> interfaces;  ///< bootstrap and NET/Socket interfaces
  std::vector<std::string> ib_devices;     ///< "mlx5_0:1/RoCE"
  bool ib_no_device = false;
  std::vector<std::string> networks;  ///< "Socket", "IB", "AWS Libfabric" in order of appearance
  KeptLine network_line;
  std::vector<CommFacts> comms;  ///< in the order in which they start
  std::vector<LinkFacts>
      loose_links;  ///< links printed by a thread that belongs to no known communicator
  std::vector<RetryFacts> retries;
  KeptLine first_backtrace;
  uint64_t backtraces = 0;
  int backtrace_code = -1;
  KeptLine ras_dead;
  std::vector<std::string> ras_dead_peers;
  std::string ras_address;  ///< "10.0.0.1<4321>" its RAS thread listens at
  std::vector<RasTimeoutFacts> ras_timeouts;
  std::vector<int> proxy_closed_local_ranks;
  uint64_t comms_dropped =
      0;  ///< closed communicators that were given up, or new ones beyond the limit
  PhaseFacts phase;
  uint64_t debug_bulk_lines = 0;  ///< COLL/CALL/ALLOC/TUNING/PROXY lines: debug output left on
  auto operator<=>(const ProcessFacts&) const = default;
};

/// A line that a rule may want: every WARN, and every line with a literal of the rule pack.
/// Repetitions (same process, same text but for digits and addresses) are folded into one with a
/// count; at most kMaxNotables per source, and a few per process (notables.h).
struct Notable {
  uint64_t line = 0, last_line = 0;
  uint64_t count = 1;
  int process = -1;  ///< index into SourceFacts::processes
  int tid = -1;
  Level level = Level::None;
  int64_t time_us = kNoTime;
  int label_rank = -1;
  int cuda_dev = -1;
  int comm_rank = -1;   ///< rank of the communicator that this thread was initialising, -1 unknown
  int comm_index = -1;  ///< that communicator in ProcessFacts::comms
  std::string file;     ///< source file of a WARN, "misc/socket.cc"
  std::string text;     ///< the whole physical line
  std::string body;     ///< the message without prefix and wrappers
  auto operator<=>(const Notable&) const = default;
};
inline constexpr size_t kMaxNotables = 4096;

/// Everything known from one source.
struct SourceFacts {
  std::string name;
  uint64_t fingerprint = 0;  ///< of the content, so that two files of one name stay two
  uint64_t bytes = 0, lines = 0, nccl_lines = 0, unrecognised_nccl_lines = 0, damaged_lines = 0;
  uint64_t repeated_messages =
      0;  ///< lines that stand for several ("[repeated 14x across cluster]")
  uint64_t overlong_lines = 0, notables_dropped = 0, processes_dropped = 0;
  bool ends_mid_line = false;  ///< no newline at the end: cut, or still being written
  std::string problem;         ///< why the rest of it could not be read; ""
  std::string vllm_version;    ///< as printed by vLLM
  std::vector<std::string> unrecognised_samples;  ///< at most 8 distinct ones
  std::vector<ProcessFacts> processes;            ///< sorted by (origin, host, pid, actor)
  std::vector<PythonErrorFacts> python_errors;    ///< in line order of the exceptions
  std::vector<Notable> notables;                  ///< in line order
  auto operator<=>(const SourceFacts&) const = default;
};

/// An input, or a part of one, that could not be used. What is missing from the sources may stand
/// there.
struct LeftOutFacts {
  std::string place, text, hint;
  ErrorCode code = ErrorCode::Internal;
  auto operator<=>(const LeftOutFacts&) const = default;
};

struct Facts {
  std::map<std::pair<std::string, uint64_t>, SourceFacts> sources;  ///< by (name, fingerprint)
  std::set<LeftOutFacts> left_out;  ///< what was to be read and could not be
  bool operator==(const Facts&) const = default;
};

/// The union. Merging in any order, any grouping, any number of times gives the same Facts.
Facts merge(Facts a, Facts b);

/// The compact serial form (versioned, same bytes for equal Facts) and back. Reading checks
/// everything: a hostile file gives an Error, never a crash or an allocation beyond its own size.
std::string serialize(const Facts& facts);
Result<Facts> deserialize(std::string_view bytes);

}  // namespace rankdx
