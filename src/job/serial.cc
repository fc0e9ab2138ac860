// The serial form of Facts: magic "RDXF", version, then the fields in the order below. A field is
// added at the end of its struct together with a new version number; readers refuse versions they
// do not know.
#include <bit>

#include "job/archive.h"
#include "job/facts.h"

namespace rankdx {

uint64_t ArchiveReader::number() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) break;
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return value;
  }
  failed_ = true;
  rest_ = {};
  return 0;
}

uint64_t ArchiveReader::count() {
  const uint64_t n = number();
  if (n <= rest_.size()) return n;
  failed_ = true;
  rest_ = {};
  return 0;
}

std::string ArchiveReader::text() {
  const uint64_t n = count();
  std::string value(rest_.substr(0, n));
  rest_.remove_prefix(n);
  return value;
}

namespace {

constexpr std::string_view kMagic = "RDXF";
constexpr uint64_t kVersion = 4;

template <class A, class T>
void visit(A& a, T& value);

template <class A, class... T>
void all(A& a, T&... values) {
  (visit(a, values), ...);
}

template <class A>
void fields(A& a, KeptLine& v) {
  all(a, v.line, v.text);
}
template <class A>
void fields(A& a, LinkFacts& v) {
  all(a, v.from, v.to, v.transport, v.channels, v.first);
}
template <class A>
void fields(A& a, TreeFacts& v) {
  all(a, v.channel, v.up, v.down[0], v.down[1], v.down[2]);
}
template <class A>
void fields(A& a, RingFacts& v) {
  all(a, v.channel, v.prev, v.next);
}
template <class A>
void fields(A& a, RingDumpFacts& v) {
  all(a, v.channel, v.ranks, v.truncated);
}
template <class A>
void fields(A& a, CallFacts& v) {
  all(a, v.name, v.op_count, v.count, v.datatype, v.op, v.root, v.line);
}
template <class A>
void fields(A& a, CommFacts& v) {
  all(a, v.comm, v.comm_id, v.has_comm_id, v.parent, v.parent_index, v.color, v.key, v.split_count,
      v.has_color, v.split_order, v.func, v.tid, v.rank, v.nranks, v.cuda_dev, v.nvml_dev, v.bus_id,
      v.has_bus_id, v.n_nodes, v.local_ranks, v.local_rank, v.n_channels, v.init_seconds, v.stage,
      v.failed, v.start_us, v.complete_us, v.start, v.complete, v.destroyed, v.layout, v.links,
      v.ring_edges, v.ring_dumps, v.trees, v.rings_connected, v.trees_connected, v.calls,
      v.first_calls, v.last_calls, v.waited_seconds, v.timings);
}
template <class A>
void fields(A& a, RetryFacts& v) {
  all(a, v.peer, v.error, v.from_main_thread, v.tid, v.count, v.last_try, v.limit, v.exhausted,
      v.first, v.last);
}
template <class A>
void fields(A& a, RasTimeoutFacts& v) {
  all(a, v.address, v.at);
}
template <class A>
void fields(A& a, EnvFacts& v) {
  all(a, v.name, v.value, v.at);
}
template <class A>
void fields(A& a, InterfaceFacts& v) {
  all(a, v.name, v.address, v.bootstrap, v.at);
}
template <class A>
void fields(A& a, PhaseFacts& v) {
  all(a, v.phase, v.entered, v.last, v.entered_us, v.last_us, v.done, v.total, v.left_s, v.waits,
      v.last_wait, v.last_wait_us);
}
template <class A>
void fields(A& a, PythonErrorFacts& v) {
  all(a, v.first_line, v.raised, v.count, v.process, v.label_rank, v.time_us, v.exception,
      v.message, v.frames, v.frame_count, v.earlier, v.direct);
}
template <class A>
void fields(A& a, ProcessFacts& v) {
  all(a, v.origin, v.actor, v.host, v.pid, v.label_rank, v.lines, v.nccl_lines, v.warns,
      v.first_line, v.last_line, v.first_us, v.last_us, v.last_nccl, v.last_cut, v.stage,
      v.versions, v.version_line, v.version_at_least, v.version_at_most, v.at_least_line,
      v.at_most_line, v.driver_version, v.env, v.interfaces, v.ib_devices, v.ib_no_device,
      v.networks, v.network_line, v.comms, v.loose_links, v.retries, v.first_backtrace,
      v.backtraces, v.backtrace_code, v.ras_dead, v.ras_dead_peers, v.ras_address, v.ras_timeouts,
      v.proxy_closed_local_ranks, v.debug_bulk_lines, v.comms_dropped, v.phase);
}
template <class A>
void fields(A& a, Notable& v) {
  all(a, v.line, v.last_line, v.count, v.process, v.tid, v.level, v.time_us, v.label_rank,
      v.cuda_dev, v.comm_rank, v.comm_index, v.file, v.text, v.body);
}
template <class A>
void fields(A& a, SourceFacts& v) {
  all(a, v.name, v.fingerprint, v.bytes, v.lines, v.nccl_lines, v.unrecognised_nccl_lines,
      v.damaged_lines, v.repeated_messages, v.overlong_lines, v.notables_dropped,
      v.processes_dropped, v.ends_mid_line, v.problem, v.vllm_version, v.unrecognised_samples,
      v.processes, v.notables, v.python_errors);
}

template <class A>
void fields(A& a, LeftOutFacts& v) {
  all(a, v.place, v.text, v.hint, v.code);
}

template <class A, class T>
void sequence(A& a, std::vector<T>& list) {
  if constexpr (A::kReading) {
    const uint64_t n = a.count();
    for (uint64_t i = 0; i < n && !a.failed(); ++i) visit(a, list.emplace_back());
  } else {
    a.number(list.size());
    for (T& item : list) visit(a, item);
  }
}

template <class A, class T>
void scalar(A& a, T& value) {
  if constexpr (std::is_same_v<T, double>) {
    uint64_t bits = std::bit_cast<uint64_t>(value);
    if constexpr (A::kReading)
      value = std::bit_cast<double>(a.number());
    else
      a.number(bits);
  } else if constexpr (std::is_enum_v<T>) {
    if constexpr (A::kReading)
      value = static_cast<T>(a.number());
    else
      a.number(static_cast<uint64_t>(value));
  } else if constexpr (std::is_signed_v<T>) {
    if constexpr (A::kReading)
      value = static_cast<T>(unzigzag(a.number()));
    else
      a.number(zigzag(value));
  } else {
    if constexpr (A::kReading)
      value = static_cast<T>(a.number());
    else
      a.number(value);
  }
}

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

template <class A, class T>
void visit(A& a, T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    if constexpr (A::kReading)
      value = a.text();
    else
      a.text(value);
  } else if constexpr (IsVector<T>::value) {
    sequence(a, value);
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    scalar(a, value);
  } else {
    fields(a, value);
  }
}

bool valid(const CommFacts& comm, size_t comms) {
  return comm.parent_index >= -1 && comm.parent_index < static_cast<int>(comms) &&
         comm.stage <= Stage::Failed;
}

/// What code relies on without looking: indices inside their lists and enums inside their range.
bool valid(const SourceFacts& source) {
  for (const ProcessFacts& p : source.processes) {
    if (p.stage > Stage::Failed || p.phase.phase > Phase::Serving) return false;
    for (const CommFacts& c : p.comms) {
      if (!valid(c, p.comms.size())) return false;
    }
  }
  for (size_t i = 0; i < source.python_errors.size(); ++i) {
    const PythonErrorFacts& e = source.python_errors[i];
    if (e.process < -1 || e.process >= static_cast<int>(source.processes.size()) ||
        e.earlier < -1 || e.earlier >= static_cast<int>(i))
      return false;
  }
  for (const Notable& n : source.notables) {
    if (n.process < -1 || n.process >= static_cast<int>(source.processes.size()) ||
        n.level > Level::Call)
      return false;
    const int comms =
        n.process < 0 ? 0 : static_cast<int>(source.processes[n.process].comms.size());
    if (n.comm_index < -1 || n.comm_index >= comms) return false;
  }
  return true;
}

}  // namespace

std::string serialize(const Facts& facts) {
  ArchiveWriter a;
  a.number(kVersion);
  a.number(facts.sources.size());
  for (const auto& [key, source] : facts.sources) {
    SourceFacts copy = source;
    visit(a, copy);
  }
  a.number(facts.left_out.size());
  for (LeftOutFacts copy : facts.left_out) visit(a, copy);
  return std::string(kMagic) + a.take();
}

Result<Facts> deserialize(std::string_view bytes) {
  const Error broken{ErrorCode::Corrupt, "this facts file is damaged or cut", "",
                     "make it again with rankdx scan"};
  if (!bytes.starts_with(kMagic))
    return fail(ErrorCode::Corrupt, "this is not a rankdx facts file");
  ArchiveReader a(bytes.substr(kMagic.size()));
  const uint64_t version = a.number();
  if (!a.failed() && version != kVersion) {
    return fail(ErrorCode::Unsupported,
                "this facts file has format version " + std::to_string(version), "",
                "use the rankdx that wrote it, or scan the logs again");
  }
  Facts facts;
  const uint64_t n = a.count();
  for (uint64_t i = 0; i < n && !a.failed(); ++i) {
    SourceFacts source;
    visit(a, source);
    if (a.failed() || !valid(source)) return tl::unexpected(broken);
    auto key = std::make_pair(source.name, source.fingerprint);
    facts.sources.insert_or_assign(std::move(key), std::move(source));
  }
  const uint64_t left_out = a.count();
  for (uint64_t i = 0; i < left_out && !a.failed(); ++i) {
    LeftOutFacts one;
    visit(a, one);
    if (one.code > ErrorCode::Internal) return tl::unexpected(broken);
    facts.left_out.insert(std::move(one));
  }
  if (a.failed() || !a.at_end()) return tl::unexpected(broken);
  return facts;
}

}  // namespace rankdx
