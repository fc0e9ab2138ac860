#include "render.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "fields.h"

namespace rankdx::fleet {
namespace {

constexpr int kTries = 34;
/// What a rank says of its end, after the phases of the form.
constexpr std::array<std::string_view, 4> kFaultPhases = {"noshm", "lost", "refused", "gaveup"};

bool is_fault_phase(std::string_view name) {
  return std::find(kFaultPhases.begin(), kFaultPhases.end(), name) != kFaultPhases.end();
}

void add(const FormLine& line, const Slot& slot, std::string& out) {
  for (const Piece& piece : line.pieces) {
    out += piece.text;
    if (piece.field) piece.field(slot, out);
  }
}

std::string trees_of(const Plan& plan, int rank) {
  std::string text;
  for (int c = 0; c < plan.channels; ++c) {
    const TreePlace t = tree_place(plan, c, rank);
    text += fmt::format(" [{}] {}/{}/{}->{}->{}", c, t.down[0], t.down[1], t.down[2], rank, t.up);
  }
  return text;
}

}  // namespace

Renderer::Renderer(const Plan& plan, const Form& form, const Form& other)
    : plan_(plan), form_(form), other_(other) {
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
  Slot slot{plan_, s, comm_id_};
  slot.time_us = time_us(s, name);
  add_lines(*phase, slot, out);
}

void Renderer::calls(const Speaker& s, uint64_t from, uint64_t to, std::string& out) const {
  const Phase* phase = s.form->find("call");
  if (!phase || s.fate.last_phase != "end") return;
  Slot slot{plan_, s, comm_id_};
  slot.time_us = time_us(s, "call");
  for (slot.call = from; slot.call < to; ++slot.call) {
    slot.time_us += 250;
    add_lines(*phase, slot, out);
  }
}

void Renderer::add_lines(const Phase& phase, Slot& slot, std::string& out) const {
  const int rank = slot.speaker.place.rank, node = slot.speaker.place.node;
  const bool no_p2p = plan_.has(FaultKind::P2pDisabled, node);
  auto wanted = [&](Each each, int channel) {
    const bool receives = each == Each::Receive;
    const int peer =
        receives ? prev_in_ring(plan_, channel, rank) : next_in_ring(plan_, channel, rank);
    const bool far = plan_.node_of(peer) != node;
    if (each == Each::Peer) return !far && !no_p2p && plan_.ranks > 1;
    if (each == Each::Shm) return !far && no_p2p;
    return each == Each::Channel || far;
  };
  for (const FormLine& line : phase.lines) {
    if (!applies(slot.speaker, line.only)) continue;
    switch (line.each) {
      case Each::Once:
        add(line, slot, out);
        break;
      case Each::Try:
        for (slot.attempt = 1; slot.attempt <= kTries; ++slot.attempt) add(line, slot, out);
        break;
      default:
        for (slot.channel = 0; slot.channel < plan_.channels; ++slot.channel) {
          if (wanted(line.each, slot.channel)) add(line, slot, out);
        }
    }
  }
}

}  // namespace rankdx::fleet
