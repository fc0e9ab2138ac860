#include "job/process_fold.h"

#include <algorithm>
#include <array>

#include "events/nccl.h"
#include "job/keep.h"
#include "scan/quick_text.h"

namespace rankdx {
namespace {

void add_link(std::vector<LinkFacts>& links, const Event& event, const LinePlace& at) {
  const uint64_t bit = uint64_t{1} << std::clamp(event.channel, 0, 63);
  auto same = [&](const LinkFacts& l) {
    return l.from == event.from && l.to == event.to && l.transport == event.text;
  };
  // The lines of one pair come together, so the newest links are looked at first.
  auto known = std::find_if(links.rbegin(), links.rend(), same);
  if (known != links.rend()) {
    known->channels |= bit;
  } else if (links.size() < ProcessFold::kMaxLinks) {
    links.push_back({event.from, event.to, std::string(event.text), bit, keep(at)});
  }
}

/// Could this process, being `comm.rank`, have printed a link with these ends?
bool fits(const CommFacts& comm, const Event& link) {
  if (comm.nranks > 0 && (link.from >= comm.nranks || link.to >= comm.nranks)) return false;
  if (comm.rank < 0 || link.proxy_rank >= 0) return true;
  return link.direction == Direction::Receive ? link.to == comm.rank : link.from == comm.rank;
}

/// What such a line shows of the setting up of a communicator (on_thread_stage).
Stage stage_of(EventKind kind) {
  return kind == EventKind::Pattern || kind == EventKind::P2pChunk ? Stage::Graph : Stage::Topology;
}

}  // namespace

struct ProcessFold::Handler {
  using Method = void (ProcessFold::*)(const Event&, const LinePlace&);
  static constexpr auto table() {
    std::array<Method, 256> t{};
    auto set = [&](EventKind kind, Method m) { t[static_cast<size_t>(kind)] = m; };
    set(EventKind::Banner, &ProcessFold::on_banner);
    set(EventKind::DriverVersion, &ProcessFold::on_banner);
    set(EventKind::EnvSet, &ProcessFold::on_env);
    for (auto kind : {EventKind::BootstrapUsing, EventKind::SocketUsing, EventKind::IbUsing,
                      EventKind::IbNoDevice, EventKind::NetFailed, EventKind::NetInitialized,
                      EventKind::NetAssigned, EventKind::NetUsing}) {
      set(kind, &ProcessFold::on_network);
    }
    set(EventKind::InitStart, &ProcessFold::on_start);
    set(EventKind::InitComplete, &ProcessFold::on_complete);
    set(EventKind::InitTimings, &ProcessFold::on_complete);
    set(EventKind::BootstrapSplit, &ProcessFold::on_split);
    set(EventKind::SplitNoColor, &ProcessFold::on_split_out);
    set(EventKind::Layout, &ProcessFold::on_layout);
    set(EventKind::Destroy, &ProcessFold::on_destroy);
    for (auto kind : {EventKind::BootstrapTimings, EventKind::Affinity, EventKind::SystemLine,
                      EventKind::PathLine, EventKind::NvlsAvailable, EventKind::Pattern,
                      EventKind::P2pChunk, EventKind::CollNetVia}) {
      set(kind, &ProcessFold::on_thread_stage);
    }
    for (auto kind : {EventKind::RingDump, EventKind::RingEdge, EventKind::Trees,
                      EventKind::TreeEdge, EventKind::ChannelCount}) {
      set(kind, &ProcessFold::on_graph);
    }
    set(EventKind::Via, &ProcessFold::on_via);
    set(EventKind::Connected, &ProcessFold::on_connected);
    set(EventKind::CollCall, &ProcessFold::on_call);
    for (auto kind :
         {EventKind::CallTrace, EventKind::Tuning, EventKind::Alloc, EventKind::ProxyNote}) {
      set(kind, &ProcessFold::on_bulk);
    }
    set(EventKind::ConnectRetry, &ProcessFold::on_retry);
    set(EventKind::Warn, &ProcessFold::on_warn);
    set(EventKind::Backtrace, &ProcessFold::on_backtrace);
    set(EventKind::RasDead, &ProcessFold::on_ras);
    set(EventKind::RasNote, &ProcessFold::on_ras);
    set(EventKind::ProxyClosed, &ProcessFold::on_ras);
    return t;
  }
};

namespace {
constexpr auto kHandlers = ProcessFold::Handler::table();
}

bool ProcessFold::wants(EventKind kind) { return kHandlers[static_cast<size_t>(kind)] != nullptr; }

ProcessFold::Run ProcessFold::run_of(const Event& event) {
  if (event.kind == EventKind::Backtrace) return event.code > 0 ? Run::Backtrace : Run::NoError;
  if (kHandlers[static_cast<size_t>(event.kind)] != &ProcessFold::on_thread_stage) return Run::None;
  return stage_of(event.kind) == Stage::Graph ? Run::Graph : Run::Topology;
}

void ProcessFold::add(const Event& event, const LinePlace& at) {
  if (auto handler = kHandlers[static_cast<size_t>(event.kind)]) (this->*handler)(event, at);
}

void ProcessFold::fill(CommFacts& comm, const Event& event) {
  if (event.rank >= 0) comm.rank = event.rank;
  if (event.nranks > 0) comm.nranks = event.nranks;
  if (event.cuda_dev >= 0) comm.cuda_dev = event.cuda_dev;
  if (event.nvml_dev >= 0) comm.nvml_dev = event.nvml_dev;
  if (event.has_bus_id) comm.bus_id = event.bus_id, comm.has_bus_id = true;
  if (event.has_comm_id) comm.comm_id = event.comm_id, comm.has_comm_id = true;
  if (!event.func.empty()) comm.func = event.func;
  if (event.has_color && !comm.has_color)
    comm.color = event.color, comm.key = event.key, comm.has_color = true;
  if (event.split_count >= 0) comm.split_count = event.split_count;
  if (event.parent && comm.parent != event.parent) {
    comm.parent = event.parent;
    auto parent = live_.find(event.parent);
    if (parent != live_.end() && &facts.comms[parent->second] != &comm) {
      set_parent(comm, parent->second);
      comm.split_order = children_[static_cast<uint64_t>(parent->second)]++;
    }
  }
}

void ProcessFold::reach(CommFacts& comm, Stage stage) {
  comm.stage = std::max(comm.stage, stage);
  facts.stage = std::max(facts.stage, stage);
}

void ProcessFold::bound_version(int at_least, int at_most, const LinePlace& at) {
  if (at_least > facts.version_at_least) {
    facts.version_at_least = at_least;
    facts.at_least_line = keep(at);
  }
  if (at_most && (!facts.version_at_most || at_most < facts.version_at_most)) {
    facts.version_at_most = at_most;
    facts.at_most_line = keep(at);
  }
}

void ProcessFold::on_start(const Event& event, const LinePlace& at) {
  CommFacts* comm = open_comm(event, at);
  if (!comm) return;
  fill(*comm, event);
  take_split(*comm, at.tid);
  comm->start = keep(at);
  comm->start_us = at.time_us;
  reach(*comm, Stage::InitStart);
  // The function name stands in the line from 2.21.5 on, children say so with ncclCommSplit
  // (init.cc).
  if (event.func.empty()) {
    bound_version(0, 22005, at);
  } else {
    bound_version(22105, 0, at);
  }
}

void ProcessFold::on_complete(const Event& event, const LinePlace& at) {
  if (event.kind == EventKind::InitTimings) {
    CommFacts* comm = comm_of_thread(at.tid);
    if (!comm || comm->nranks != event.nranks) return;
    comm->init_seconds = event.seconds;
    comm->waited_seconds = event.waited_seconds;
    comm->timings = keep(at);
    reach(*comm, Stage::InitComplete);  // printed at the very end of ncclCommInitRankFunc (init.cc)
    return;
  }
  CommFacts* comm = comm_by_pointer(event.comm);
  if (!comm) {
    // Before 2.18.3 no START line is printed: what this thread said so far belongs to this
    // communicator.
    comm = comm_of_thread(at.tid);
    if (!comm || comm->comm || comm->stage >= Stage::InitComplete) comm = open_comm(event, at);
    if (!comm) return;
    comm->comm = event.comm;
    set_live(event.comm, static_cast<int>(comm - facts.comms.data()));
  }
  fill(*comm, event);
  comm->complete = keep(at);
  comm->complete_us = at.time_us;
  reach(*comm, Stage::InitComplete);
  last_complete_ = static_cast<int>(comm - facts.comms.data());
  if (!comm->start.line) thread_comm_.erase(at.tid);
}

void ProcessFold::on_split(const Event& event, const LinePlace& at) {
  if (splits_.size() >= kMaxThreads) return;
  splits_[at.tid] = {event.rank, event.nranks,   event.color,
                     event.key,  split_count_++, event.parent};
}

/// A rank that takes no part in a split counts it all the same, so that the numbers agree over
/// ranks.
void ProcessFold::on_split_out(const Event&, const LinePlace&) { ++split_count_; }

void ProcessFold::take_split(CommFacts& comm, int tid) {
  auto found = splits_.find(tid);
  if (found == splits_.end()) return;
  const Split split = found->second;
  splits_.erase(found);
  if (comm.has_color || split.rank != comm.rank || split.nranks != comm.nranks) return;
  comm.color = split.color;
  comm.key = split.key;
  comm.has_color = true;
  comm.split_order = split.order;
  comm.parent = split.parent;
  auto parent = live_.find(split.parent);
  if (parent != live_.end() && &facts.comms[parent->second] != &comm)
    set_parent(comm, parent->second);
}

void ProcessFold::on_layout(const Event& event, const LinePlace& at) {
  CommFacts* comm = comm_by_pointer(event.comm);
  if (!comm) comm = open_comm(event, at);
  if (!comm) return;
  fill(*comm, event);
  comm->n_nodes = event.n_nodes;
  comm->local_ranks = event.local_ranks;
  comm->local_rank = event.local_rank;
  comm->layout = keep(at);
  reach(*comm, Stage::Graph);
}

void ProcessFold::on_destroy(const Event& event, const LinePlace& at) {
  CommFacts* comm = comm_by_pointer(event.comm);
  if (!comm) return;
  if (event.value == "Abort") comm->failed = true;
  if (event.start) return;
  comm->destroyed = keep(at);
  reach(*comm, Stage::Destroyed);
  live_.erase(event.comm);
  recent_comm_ = 0;
  close_comm(static_cast<int>(comm - facts.comms.data()));
}

void ProcessFold::on_thread_stage(const Event& event, const LinePlace& at) {
  CommFacts* comm = comm_of_thread(at.tid);
  if (!comm || comm->stage >= Stage::InitComplete) return;
  reach(*comm, stage_of(event.kind));
}

void ProcessFold::on_graph(const Event& event, const LinePlace& at) {
  CommFacts* comm = comm_of_thread(at.tid);
  // No START line before 2.18.3: the first graph line of a thread opens a communicator without a
  // pointer.
  if (!comm) comm = open_comm(Event{}, at);
  if (!comm || comm->stage >= Stage::InitComplete) return;
  reach(*comm, Stage::Graph);
  switch (event.kind) {
    case EventKind::ChannelCount:
      comm->n_channels = event.n_channels;
      break;
    case EventKind::RingDump: {
      if (event.channel < 0 || event.channel >= kMaxChannels) break;
      RingDumpFacts dump{event.channel, {}, event.truncated};
      for_each_int(event.text, [&](int rank) {
        if (dump.ranks.size() < 4096) dump.ranks.push_back(rank);
      });
      insert_sorted(comm->ring_dumps, std::move(dump), kMaxChannels);
      break;
    }
    case EventKind::RingEdge:
      if (comm->rank < 0) comm->rank = event.rank;
      if (event.channel >= 0 && event.channel < kMaxChannels) {
        insert_sorted(comm->ring_edges, {event.channel, event.from, event.to}, kMaxSmall);
      }
      break;
    case EventKind::Trees:
      for_each_tree(event.text, [&](const TreeLinks& t) {
        if (t.channel >= kMaxChannels) return;
        if (comm->rank < 0) comm->rank = t.rank;
        insert_sorted(comm->trees, {t.channel, t.up, {t.down[0], t.down[1], t.down[2]}}, kMaxSmall);
      });
      break;
    default:
      break;
  }
}

CommFacts* ProcessFold::comm_for_link(const Event& event, const LinePlace& at) {
  CommFacts* comm = comm_of_thread(at.tid);
  if (comm && fits(*comm, event)) return comm;
  // A fresh thread connects at the first collective (2.22.3 to 2.27.7): the communicator completed
  // last comes first.
  int index = -1;
  if (last_complete_ >= 0 && fits(facts.comms[last_complete_], event)) index = last_complete_;
  for (int i = static_cast<int>(facts.comms.size()) - 1; index < 0 && i >= 0; --i) {
    if (facts.comms[i].stage >= Stage::InitComplete && fits(facts.comms[i], event)) index = i;
  }
  const bool any_start = std::any_of(facts.comms.begin(), facts.comms.end(),
                                     [](const CommFacts& c) { return c.start.line != 0; });
  if (index < 0 && !any_start && !comm) return open_comm(Event{}, at);
  if (index < 0) return nullptr;
  if (!comm && thread_comm_.size() < kMaxThreads)
    thread_comm_[at.tid] = {index, places_[static_cast<size_t>(index)].serial};
  return &facts.comms[index];
}

void ProcessFold::on_via(const Event& event, const LinePlace& at) {
  CommFacts* comm = comm_for_link(event, at);
  if (!comm) {
    add_link(facts.loose_links, event, at);
    return;
  }
  if (comm->stage < Stage::InitComplete) reach(*comm, Stage::Connect);
  add_link(comm->links, event, at);
}

void ProcessFold::on_connected(const Event& event, const LinePlace& at) {
  CommFacts* comm = comm_of_thread(at.tid);
  if (!comm) return;
  (event.name == "rings" ? comm->rings_connected : comm->trees_connected) = true;
  reach(*comm, comm->stage >= Stage::InitComplete ? Stage::Collectives : Stage::Connect);
}

void ProcessFold::on_call(const Event& e, const LinePlace& at) {
  CommFacts* comm = count_calls(e.comm, 1);
  if (!comm) return;
  keep_call(*comm, comm->calls - 1,
            {e.op_count, e.count, at.number, e.datatype, e.op, e.root, number_of_name(e.name)});
}

CommFacts* ProcessFold::count_calls(uint64_t pointer, uint64_t count) {
  facts.debug_bulk_lines += count;
  CommFacts* comm = comm_by_pointer(pointer);
  if (!comm) return nullptr;
  reach(*comm, Stage::Collectives);
  comm->calls += count;
  return comm;
}

bool ProcessFold::keeps_call(const CommFacts& comm, uint64_t number) {
  return number < CommFacts::kFirstCalls || number + CommFacts::kLastCalls >= comm.calls;
}

/// There are few names.
uint32_t ProcessFold::number_of_name(std::string_view name) {
  const auto known = std::find_if(call_names_.begin(), call_names_.end(),
                                  [&](const std::string& n) { return quick_equal(n, name); });
  if (known != call_names_.end()) return static_cast<uint32_t>(known - call_names_.begin());
  if (call_names_.size() > kMaxSmall) return kMaxSmall;
  call_names_.emplace_back(call_names_.size() < kMaxSmall ? name : "?");
  return static_cast<uint32_t>(call_names_.size() - 1);
}

void ProcessFold::keep_call(const CommFacts& comm, uint64_t number, const HeldCall& call) {
  Place& place = places_[static_cast<size_t>(&comm - facts.comms.data())];
  if (number < CommFacts::kFirstCalls) {
    place.calls.push_back(call);
    return;
  }
  place.calls_ring.resize(CommFacts::kLastCalls);
  place.calls_ring[number % CommFacts::kLastCalls] = call;
}

/// Gives the communicators their calls. The last ones stand in the ring; while they are few, among
/// the first ones.
void ProcessFold::settle_calls() {
  const auto facts_of = [&](const HeldCall& c) {
    return CallFacts{call_names_[c.name], c.op_count, c.count, c.datatype, c.op, c.root, c.line};
  };
  for (size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    CommFacts& comm = facts.comms[i];
    comm.first_calls.reserve(place.calls.size());
    for (const HeldCall& call : place.calls) comm.first_calls.push_back(facts_of(call));
    const uint64_t calls = comm.calls;
    for (uint64_t n = calls - std::min<uint64_t>(calls, CommFacts::kLastCalls); n < calls; ++n) {
      comm.last_calls.push_back(n < CommFacts::kFirstCalls
                                    ? comm.first_calls[n]
                                    : facts_of(place.calls_ring[n % CommFacts::kLastCalls]));
    }
  }
}

void ProcessFold::on_bulk(const Event&, const LinePlace&) { ++facts.debug_bulk_lines; }

void ProcessFold::on_banner(const Event& event, const LinePlace& at) {
  if (event.kind == EventKind::DriverVersion) {
    facts.driver_version = static_cast<int>(event.count);
    return;
  }
  // "2.28.9+cuda13.0"; with fewer parts the line was cut and the rest of it is not what NCCL is.
  const std::string_view number = event.value.substr(0, event.value.find('+'));
  if (std::count(number.begin(), number.end(), '.') < 2 || number.ends_with('.')) return;
  if (!facts.version_line.line) facts.version_line = keep(at);
  insert_sorted(facts.versions, std::string(event.value), kMaxSmall);
}

void ProcessFold::on_env(const Event& event, const LinePlace& at) {
  auto known = [&](const EnvFacts& e) { return e.name == event.name && e.value == event.value; };
  if (facts.env.size() >= kMaxSmall || std::any_of(facts.env.begin(), facts.env.end(), known))
    return;
  facts.env.push_back({std::string(event.name), std::string(event.value), keep(at)});
}

void ProcessFold::on_network(const Event& event, const LinePlace& at) {
  facts.stage = std::max(facts.stage, Stage::Bootstrap);
  auto add_interface = [&](std::string_view name, std::string_view address, bool bootstrap) {
    auto known = [&](const InterfaceFacts& i) {
      return i.name == name && i.address == address && i.bootstrap == bootstrap;
    };
    if (facts.interfaces.size() < kMaxSmall &&
        std::none_of(facts.interfaces.begin(), facts.interfaces.end(), known)) {
      facts.interfaces.push_back({std::string(name), std::string(address), bootstrap, keep(at)});
    }
  };
  switch (event.kind) {
    case EventKind::BootstrapUsing:
      add_interface(event.name, event.value, true);
      // "Bootstrap : Using" until 2.23.4, "Bootstrap: Using" from 2.24.3 (bootstrap.cc).
      if (at.text.find("Bootstrap : Using") != std::string_view::npos) {
        bound_version(0, 22304, at);
      } else {
        bound_version(22403, 0, at);
      }
      break;
    case EventKind::SocketUsing:
      if (!event.name.empty()) add_interface(event.name, event.value, false);
      for_each_net_device(
          event.value, [&](std::string_view n, std::string_view a) { add_interface(n, a, false); });
      break;
    case EventKind::IbUsing:
      for_each_net_device(event.value, [&](std::string_view n, std::string_view rest) {
        insert_sorted(facts.ib_devices, std::string(n) + ":" + std::string(rest), kMaxSmall);
      });
      break;
    case EventKind::IbNoDevice:
      facts.ib_no_device = true;
      break;
    case EventKind::NetUsing:
      if (std::find(facts.networks.begin(), facts.networks.end(), event.name) ==
              facts.networks.end() &&
          facts.networks.size() < kMaxSmall) {
        facts.networks.emplace_back(event.name);
      }
      facts.network_line = keep(at);
      break;
    case EventKind::NetInitialized:
    case EventKind::NetAssigned:
      bound_version(22703, 0, at);
      break;
    default:
      break;
  }
}

std::vector<int> ProcessFold::finish() {
  std::sort(facts.env.begin(), facts.env.end());
  auto by_ends = [](const LinkFacts& a, const LinkFacts& b) { return a < b; };
  std::sort(facts.loose_links.begin(), facts.loose_links.end(), by_ends);
  settle_calls();
  std::vector<int> new_index = order_comms();
  for (CommFacts& comm : facts.comms) {
    std::sort(comm.links.begin(), comm.links.end(), by_ends);
  }
  return new_index;
}

}  // namespace rankdx
