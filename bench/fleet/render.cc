#include "render.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace rankdx::fleet {
namespace {

constexpr int kTries = 34;
/// What a rank says of its end, after the phases of the form.
constexpr std::array<std::string_view, 4> kFaultPhases = {"noshm", "lost", "refused", "gaveup"};

bool is_fault_phase(std::string_view name) {
  return std::find(kFaultPhases.begin(), kFaultPhases.end(), name) != kFaultPhases.end();
}

void number(uint64_t value, std::string& out) {
  const fmt::format_int text(value);
  out.append(text.data(), text.size());
}

void hex(uint64_t value, std::string& out) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{:x}"), value);
}

void seconds(double value, std::string& out) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{:.2f}"), value);
}

void two_digits(int value, std::string& out) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{:02}"), value);
}

/// NCCL's own form of a time of day, "[2026-11-22 10:58:07.689] ".
void stamp(int64_t us, std::string& out) {
  const int64_t ms = us / 1000 + 10 * 3600 * 1000;
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("[2026-11-22 {:02}:{:02}:{:02}.{:03}] "),
                 ms / 3600000 % 24, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
}

std::string trees_of(const Plan& plan, int rank) {
  std::string text;
  for (int c = 0; c < plan.channels; ++c) {
    const TreePlace t = tree_place(plan, c, rank);
    text += fmt::format(" [{}] {}/{}/{}->{}->{}", c, t.down[0], t.down[1], t.down[2], rank, t.up);
  }
  return text;
}

std::string all_hcas(const Plan& plan) {
  std::string text;
  for (int i = 0; i < plan.gpus_per_node; ++i) text += fmt::format(" [{}]mlx5_{}:1/RoCE", i, i);
  return text;
}

}  // namespace

/// The repetition at hand, and when.
struct Renderer::Line {
  int channel = 0, attempt = 0;
  uint64_t call = 0;
  int64_t time_us = 0;
};

Renderer::Renderer(const Plan& plan, const Form& form, const Form& other)
    : plan_(plan), form_(form), other_(other), hcas_(all_hcas(plan)) {
  for (const Phase& p : form.phases) {
    if (!is_fault_phase(p.name)) phases_.push_back(p.name);
  }
  phases_.insert(phases_.end(), kFaultPhases.begin(), kFaultPhases.end());
  comm_id_ = fmt::format("0x{:016x}", noise(plan.seed, 99, 0) | (uint64_t{1} << 60));
}

Speaker Renderer::speaker(int rank) const {
  Speaker s;
  s.place = place_of(plan_, rank);
  s.fate = fate_of(plan_, rank);
  s.timings = timings_of(plan_, rank);
  s.form = plan_.has(FaultKind::VersionDiffers, s.place.node) ? &other_ : &form_;
  const Place& p = s.place;
  s.main = fmt::format("{}:{}:{} [{}] NCCL INFO ", p.host, p.pid, p.pid, p.dev);
  s.proxy = fmt::format("{}:{}:{} [{}] NCCL INFO ", p.host, p.pid, p.pid + 40, p.dev);
  s.root = fmt::format("{}:{}:{} [{}] NCCL INFO ", p.host, p.pid, p.pid + 4, p.dev);
  s.main_warn = fmt::format("{}:{}:{} [{}] ", p.host, p.pid, p.pid, p.dev);
  s.root_warn = fmt::format("{}:{}:{} [{}] ", p.host, p.pid, p.pid + 4, p.dev);
  s.comm = fmt::format("{:#x}", p.comm);
  s.trees = trees_of(plan_, rank);
  return s;
}

bool Renderer::applies(const Speaker& s, Only only) const {
  switch (only) {
    case Only::Always:
      return true;
    case Only::Algo:
      return plan_.has(FaultKind::EnvDiffers, s.place.node);
    case Only::Ib:
      return plan_.is_ib;
    case Only::IfName:
      return s.place.interface != "eth0";
    case Only::Member:
      return s.fate.is_refused;
    case Only::P2pOff:
      return plan_.has(FaultKind::P2pDisabled, s.place.node);
    case Only::Rank0:
      return s.place.rank == 0;
    case Only::Root:
      return s.fate.is_root_refused;
    case Only::Socket:
      return !plan_.is_ib;
  }
  return false;
}

/// Up to the rendezvous each rank keeps its own time, then all of them go on together.
int64_t Renderer::time_us(const Speaker& s, std::string_view phase) const {
  const auto place = std::find(phases_.begin(), phases_.end(), phase) - phases_.begin();
  const int64_t own =
      20'000 * place + static_cast<int64_t>(noise(plan_.seed, 7, s.place.rank) % 9'000);
  if (phase == "boot" || phase == "start") return start_delay_us(plan_, s.place.rank) + own;
  int64_t common = 6'000'000;
  if (plan_.has(FaultKind::LateNode)) common += 60'000'000;
  if (plan_.has(FaultKind::SlowNode) && phase != "joined") common += 45'000'000;
  return common + own;
}

void Renderer::phase(const Speaker& s, const std::string& name, std::string& out) const {
  if (s.fate.last_phase.empty()) return;
  if (name == "call") return calls(s, 1, plan_.calls + 1, out);
  if (name == "noshm" && !s.fate.has_no_shm) return;
  if (name == "lost" && s.fate.lost_local < 0) return;
  if ((name == "refused" || name == "gaveup") && !s.fate.is_refused && !s.fate.is_root_refused)
    return;
  if (!is_fault_phase(name)) {
    const auto reached = std::find(phases_.begin(), phases_.end(), s.fate.last_phase);
    if (std::find(phases_.begin(), phases_.end(), name) > reached) return;
  }
  const Phase* phase = s.form->find(name);
  if (!phase) return;
  Line at;
  at.time_us = time_us(s, name);
  add_lines(s, *phase, at, out);
}

void Renderer::calls(const Speaker& s, uint64_t from, uint64_t to, std::string& out) const {
  const Phase* phase = s.form->find("call");
  if (!phase || s.fate.last_phase != "end") return;
  Line at;
  at.time_us = time_us(s, "call");
  for (at.call = from; at.call < to; ++at.call) {
    at.time_us += 250;
    add_lines(s, *phase, at, out);
  }
}

void Renderer::add_lines(const Speaker& s, const Phase& phase, Line& at, std::string& out) const {
  const int rank = s.place.rank, node = s.place.node;
  const bool no_p2p = plan_.has(FaultKind::P2pDisabled, node);
  auto wanted = [&](Each each, int channel) {
    const bool far = each == Each::Receive
                         ? plan_.node_of(prev_in_ring(plan_, channel, rank)) != node
                         : plan_.node_of(next_in_ring(plan_, channel, rank)) != node;
    if (each == Each::Peer) return !far && !no_p2p && plan_.ranks > 1;
    if (each == Each::Shm) return !far && no_p2p;
    return each == Each::Channel || far;
  };
  for (const FormLine& line : phase.lines) {
    if (!applies(s, line.only)) continue;
    switch (line.each) {
      case Each::Once:
        add(s, line, at, out);
        break;
      case Each::Try:
        for (at.attempt = 1; at.attempt <= kTries; ++at.attempt) add(s, line, at, out);
        break;
      default:
        for (at.channel = 0; at.channel < plan_.channels; ++at.channel) {
          if (wanted(line.each, at.channel)) add(s, line, at, out);
        }
    }
  }
}

void Renderer::add(const Speaker& s, const FormLine& line, const Line& at, std::string& out) const {
  for (const Piece& piece : line.pieces) {
    out += piece.text;
    if (piece.field != Field::None) add_field(s, piece.field, at, out);
  }
}

void Renderer::add_ring(int channel, size_t most_ranks, size_t most_bytes, std::string& out) const {
  // Up to 2.22 every number takes four columns; later as many as the greatest number has, and one
  // blank between them.
  const bool fixed = most_ranks > 0;
  const int width = fixed ? 3 : static_cast<int>(fmt::formatted_size("{}", plan_.ranks - 1));
  std::string text;
  int rank = 0;
  for (int i = 0; i < plan_.ranks && (!fixed || i < static_cast<int>(most_ranks)); ++i) {
    text += fmt::format("{}{:{}}", fixed || i > 0 ? " " : "", rank, width);
    rank = next_in_ring(plan_, channel, rank);
    if (!fixed && text.size() > most_bytes) break;
  }
  // The whole message is cut, its last three characters become dots (graph/rings.cc).
  if (!fixed && text.size() > most_bytes) text = text.substr(0, most_bytes - 3) + "...";
  out += text;
}

void Renderer::add_field(const Speaker& s, Field field, const Line& at, std::string& out) const {
  const Place& p = s.place;
  auto next = [&] { return next_in_ring(plan_, at.channel, p.rank); };
  auto prev = [&] { return prev_in_ring(plan_, at.channel, p.rank); };
  auto prefix = [&](const std::string& text) {
    if (plan_.has_timestamps) stamp(at.time_us, out);
    out += text;
  };
  auto warning = [&](const std::string& text) {
    out += "\n[2026-11-22 10:51:22] ";
    out += text;
  };
  switch (field) {
    case Field::None:
      break;
    case Field::Address:
      out += p.address;
      break;
    case Field::Bootstrap:
      fmt::format_to(std::back_inserter(out), "{:.6f}", s.timings.bootstrap);
      break;
    case Field::BusId:
      out += p.bus_id;
      break;
    case Field::Bytes:
      number((at.call % 17 + 1) * 16384, out);
      break;
    case Field::CallNumber:
      hex(at.call, out);
      break;
    case Field::Channel:
      two_digits(at.channel, out);
      break;
    case Field::ChannelCount:
      number(plan_.channels, out);
      break;
    case Field::Channels:
      two_digits(plan_.channels, out);
      break;
    case Field::Comm:
      out += s.comm;
      break;
    case Field::CommId:
      out += comm_id_;
      break;
    case Field::Count:
      number((at.call % 17 + 1) * 8192, out);
      break;
    case Field::Dev:
      number(p.dev, out);
      break;
    case Field::Hcas:
      out += hcas_;
      break;
    case Field::Interface:
      out += p.interface;
      break;
    case Field::Kernels:
      seconds(s.timings.kernels, out);
      break;
    case Field::LocalRanks:
      number(plan_.ranks_on(p.node), out);
      break;
    case Field::LostDev:
      number(std::max(0, s.fate.lost_local), out);
      break;
    case Field::Net:
      out += plan_.is_ib ? "NET/IB/" : "NET/Socket/";
      number(plan_.is_ib ? p.dev : 0, out);
      if (plan_.is_ib) out += "/GDRDMA";
      break;
    case Field::Next:
      number(next(), out);
      break;
    case Field::NextDev:
      number(next() % plan_.gpus_per_node, out);
      break;
    case Field::NodeCount:
      number(plan_.nodes(), out);
      break;
    case Field::Peer:
      out += s.fate.peer;
      break;
    case Field::Prefix:
      prefix(s.main);
      break;
    case Field::PrefixProxy:
      prefix(s.proxy);
      break;
    case Field::PrefixRoot:
      prefix(s.root);
      break;
    case Field::PrefixRootWarn:
      warning(s.root_warn);
      break;
    case Field::PrefixWarn:
      warning(s.main_warn);
      break;
    case Field::Prev:
      number(prev(), out);
      break;
    case Field::PrevDev:
      number(prev() % plan_.gpus_per_node, out);
      break;
    case Field::Rank:
      number(p.rank, out);
      break;
    case Field::RankCount:
      number(plan_.ranks, out);
      break;
    case Field::Ring127:
      add_ring(at.channel, 0, 127 - 16, out);
      break;
    case Field::Ring20:
      add_ring(at.channel, 20, 0, out);
      break;
    case Field::Shm:
      hex(noise(plan_.seed, 8, p.rank) & 0xffffff, out);
      break;
    case Field::Sleep:
      number(at.attempt * 100, out);
      break;
    case Field::Total:
      seconds(s.timings.total, out);
      break;
    case Field::Trees:
      out += s.trees;
      break;
    case Field::Try:
      number(at.attempt, out);
      break;
    case Field::Wait1:
      seconds(s.timings.bootstrap, out);
      break;
    case Field::Wait2:
      seconds(s.timings.allgathers, out);
      break;
    case Field::Work:
      seconds(s.timings.topo, out);
      break;
  }
}

}  // namespace rankdx::fleet
