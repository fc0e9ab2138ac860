// What a process says of trouble: peers that cannot be reached, back-traces, the RAS thread.
#include <algorithm>

#include "job/keep.h"
#include "job/process_fold.h"

namespace rankdx {
namespace {

/// The last word about a peer that could not be reached.
bool is_exhausted(const Event& warn) {
  return !warn.value.empty() && (warn.text.find("onnect to ") != std::string_view::npos ||
                                 warn.text.find("exceeded ") != std::string_view::npos);
}

/// A host without RDMA devices: the IB transport reports failure and NCCL goes on with the next one
/// (net_ib.cc, 2.27).
bool is_without_rdma(const Event& backtrace) {
  return backtrace.file.starts_with("transport/net_ib");
}

constexpr std::string_view kRasListening = "RAS network listening socket at ";
constexpr std::string_view kRasWith = "socket connection with ";

bool is_ras_timeout(std::string_view text) {
  return text.find(kRasWith) != std::string_view::npos &&
         text.find("timeout") != std::string_view::npos;
}

}  // namespace

bool ProcessFold::wants(const Event& event) {
  switch (event.kind) {
    case EventKind::Warn:
      return is_exhausted(event);
    case EventKind::RasNote:
      return event.text.starts_with(kRasListening) || is_ras_timeout(event.text);
    case EventKind::Backtrace:
      return !is_without_rdma(event);
    default:
      return wants(event.kind);
  }
}

void ProcessFold::on_retry(const Event& event, const LinePlace& at) {
  auto same = [&](const RetryFacts& r) {
    return r.peer == event.peer_text && r.error == event.value && r.tid == at.tid;
  };
  auto known = std::find_if(facts.retries.begin(), facts.retries.end(), same);
  if (known == facts.retries.end()) {
    if (facts.retries.size() >= kMaxSmall) return;
    RetryFacts fresh;
    fresh.peer = event.peer_text;
    fresh.error = event.value;
    fresh.tid = at.tid;
    fresh.from_main_thread = at.tid == facts.pid;
    fresh.first = keep(at);
    known = facts.retries.insert(facts.retries.end(), std::move(fresh));
  }
  ++known->count;
  known->last = keep(at);
  known->last_try = std::max(known->last_try, static_cast<int>(event.count));
  known->limit = std::max(known->limit, event.limit);
}

void ProcessFold::on_warn(const Event& event, const LinePlace& at) {
  if (!is_exhausted(event)) return;
  on_retry(event, at);
  for (RetryFacts& r : facts.retries) {
    if (r.peer == event.peer_text && r.tid == at.tid) r.exhausted = true;
  }
}

void ProcessFold::on_backtrace(const Event& event, const LinePlace& at) {
  if (is_without_rdma(event)) return;
  ++facts.backtraces;
  if (!facts.first_backtrace.line) {
    facts.first_backtrace = keep(at);
    facts.backtrace_code = event.code;
  }
  CommFacts* comm = comm_of_thread(at.tid);
  if (comm && event.code > 0 && comm->stage < Stage::InitComplete) comm->failed = true;
}

void ProcessFold::on_ras(const Event& event, const LinePlace& at) {
  if (event.kind == EventKind::ProxyClosed) {
    insert_sorted(facts.proxy_closed_local_ranks, event.rank, kMaxSmall);
    return;
  }
  if (event.kind == EventKind::RasNote) {
    on_ras_note(event.text, at);
    return;
  }
  if (!facts.ras_dead.line) facts.ras_dead = keep(at);
  insert_sorted(facts.ras_dead_peers, std::string(event.peer_text), kMaxSmall);
}

void ProcessFold::on_ras_note(std::string_view text, const LinePlace& at) {
  if (text.starts_with(kRasListening)) facts.ras_address = text.substr(kRasListening.size(), 64);
  if (!is_ras_timeout(text)) return;
  const size_t with = text.find(kRasWith);
  std::string_view address = text.substr(with + kRasWith.size(), 64);
  address = address.substr(0, address.find('>') + 1);
  auto known = [&](const RasTimeoutFacts& t) { return t.address == address; };
  if (facts.ras_timeouts.size() < kMaxSmall &&
      std::none_of(facts.ras_timeouts.begin(), facts.ras_timeouts.end(), known)) {
    facts.ras_timeouts.push_back({std::string(address), keep(at)});
  }
}

}  // namespace rankdx
