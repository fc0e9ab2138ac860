// Operations, memory, RAS (enqueue.cc, include/alloc.h, ras/*.cc of NCCL): the lines of a running
// job.
#include <span>

#include "events/nccl/parsers.h"

namespace rankdx::nccl {
namespace {

/// "AllReduce: opCount 1a sendbuff 0x… recvbuff 0x… count 8192 datatype 7 op 0 root 0 comm 0x…
/// [nranks=2] stream 0x…"
bool parse_collective(Cursor at, Event& event) {
  uint64_t buffer = 0;
  if (!at.take_hex(event.op_count) || !at.take(" sendbuff ") || !at.take_pointer(buffer) ||
      !at.take(" recvbuff ") || !at.take_pointer(buffer) || !at.take(" count ") ||
      !at.take_int(event.count)) {
    return false;
  }
  uint64_t size = 0;
  if (at.take(" size ") && !at.take_int(size)) return false;  // 2.3.5
  if (!at.take(" datatype ") || !at.take_int(event.datatype) || !at.take(" op ") ||
      !at.take_int(event.op))
    return false;
  if (at.take(" root ") && !at.take_int(event.root)) return false;
  return at.take(" comm ") && at.take_pointer(event.comm) && at.take(" [nranks=") &&
         at.take_int(event.nranks) && at.take("]");
}

/// Numbers of 2.18 to 2.23 in the words of 2.24 (enqueue.cc: NCCL_ALGO_*, NCCL_PROTO_*).
constexpr std::string_view kAlgorithms[] = {
    "TREE", "RING", "COLLNET_DIRECT", "COLLNET_CHAIN", "NVLS", "NVLS_TREE", "PAT"};
constexpr std::string_view kProtocols[] = {"LL", "LL128", "SIMPLE"};

std::string_view in_words(std::string_view text, std::span<const std::string_view> words) {
  const auto number = parse_int<size_t>(text);
  return number && *number < words.size() ? words[*number] : text;
}

bool parse_algorithm(Cursor at, Event& event) {
  event.kind = EventKind::Tuning;
  if (!at.take_int(event.bytes) || !at.take(" Bytes -> ")) return false;
  if (!at.take("Algo ")) {  // symmetric kernels, copy engine: what is used instead
    event.text = trim(at.rest());
    return !event.text.empty();
  }
  event.text = in_words(at.take_word(), kAlgorithms);
  if (!at.take("proto ")) return false;
  event.value = in_words(at.take_word(), kProtocols);
  return true;
}

}  // namespace

bool parse_operation(Cursor at, Event& event) {
  const std::string_view body = at.body();
  size_t end = 0;
  while (end < body.size() && body[end] != ':' && body[end] != ' ') ++end;
  if (end == body.size()) return false;
  event.name = body.substr(0, end);
  at = Cursor(body, end);
  if (at.take(": opCount ")) return parse_collective(at, event);
  if (at.take(": ")) return parse_algorithm(at, event);
  if (at.take(" [")) return at.take_past("]: ") && parse_algorithm(at, event);
  event.name = {};
  return at.take(" ") && body.starts_with("opCount ") && parse_collective(at, event);  // 2.3.5
}

bool parse_algorithm_numbers(Cursor at, Event& event) { return parse_algorithm(at, event); }

// "ncclAllReduce(7f52a0,7f52a0,1024,7,0,0,0x55d0,0x55e0)": send, recv, count, datatype, op, root,
// comm, stream.
bool parse_call(Cursor at, Event& event) {
  std::string_view arguments;
  at.take("nccl");
  if (!at.take_until("(", event.name) || !at.take_until(")", arguments)) return false;
  event.kind = EventKind::CallTrace;
  Cursor list(arguments);
  uint64_t buffer = 0;
  Event full = event;
  if (list.take_hex(buffer) && list.take(",") && list.take_hex(buffer) && list.take(",") &&
      list.take_int(full.count) && list.take(",") && list.take_int(full.datatype) &&
      list.take(",") && list.take_int(full.op) && list.take(",") && list.take_int(full.root) &&
      list.take(",") && list.take_pointer(full.comm)) {
    event = full;
  }
  return true;
}

bool parse_alloc(Cursor at, Event& event) {
  // "Allocated 9637888 bytes of shared memory in /dev/shm/nccl-x" has the number first, all others
  // behind "size".
  if (at.take_int(event.bytes)) return true;
  at = Cursor(at.body());
  const bool again = at.take("Mem Realloc ");
  if (again && !at.take_past("new ")) return false;
  return at.take_past("ize ") && at.take_int(event.bytes);
}

bool parse_ras_dead(Cursor at, Event& event) {
  event.text = at.body();
  std::string_view peer;
  if (!at.take_until(" as DEAD", peer)) return false;
  event.peer_text = peer.substr(0, peer.find('<'));
  return true;
}

bool parse_proxy_closed(Cursor at, Event& event) { return at.take_int(event.rank); }

}  // namespace rankdx::nccl
