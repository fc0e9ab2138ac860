#include "mpi/root.h"

#include <fmt/format.h>

#include <algorithm>

#include "mpi/member.h"
#include "mpi/share.h"

namespace rankdx::mpi {
namespace {

constexpr double kLookEvery_s = 0.1;

}  // namespace

Root::Root(Link& link, Reader& reader, Patience patience, const std::vector<InputPath>& inputs,
           const std::vector<uint64_t>& sizes, IsGone is_gone, double now_s)
    : link_(link),
      reader_(reader),
      patience_(patience),
      is_gone_(std::move(is_gone)),
      work_(static_cast<size_t>(link.size())),
      peers_(static_cast<size_t>(link.size())),
      last_beat_s_(now_s),
      last_look_s_(now_s) {
  std::vector<bool> fixed;
  for (const InputPath& input : inputs) fixed.push_back(input.path == "-");
  const std::vector<int> readers = share_out(sizes, fixed, link.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    work_[static_cast<size_t>(readers[i])].push_back({i, inputs[i]});
  }
  for (Peer& p : peers_) p.last_s = now_s;
  for (int r = 1; r < link.size(); ++r) {
    link_.send(r, Kind::Work, to_bytes(work_[static_cast<size_t>(r)]));
  }
  reader_.start(work_[0]);
}

void Root::hurry(double now_s) {
  if (!hurried_s_) hurried_s_ = now_s;
}

void Root::check_in(const std::vector<int>& ranks) {
  for (int r : ranks) {
    if (r >= 0 && r < link_.size()) peers_[static_cast<size_t>(r)].is_in = true;
  }
}

void Root::take(Message message, double now_s) {
  if (message.from < 0 || message.from >= link_.size()) return;
  Peer& peer = peers_[static_cast<size_t>(message.from)];
  peer.last_s = now_s;
  if (message.kind == Kind::Hello) peer.hello = read_hello(message.bytes);
  if (message.kind != Kind::Part) return;
  auto part = read_part(message.bytes);
  if (!part) return lose(message.from, "its answer was damaged");
  check_in(part->ranks);
  add(part_, std::move(*part));
}

void Root::take_own_part(bool too_late) {
  if (peers_[0].is_in) return;
  auto result = reader_.result();
  if (!result && !too_late) return;
  peers_[0].is_in = true;
  if (result && *result) return add(part_, std::move(**result));
  const std::string why =
      result ? result->error().text : "was not done when mpirun ended the ranks";
  for (Omission& o : omissions(work_[0], "MPI rank 0: " + why))
    part_.left_out.push_back(std::move(o));
}

/// Nobody waits for it any more, and its children find another way.
void Root::lose(int rank, const std::string& why) {
  Peer& peer = peers_[static_cast<size_t>(rank)];
  if (peer.is_in || peer.lost) return;
  peer.lost = why;
  const int parent = parent_of(rank);
  if (parent != 0) link_.send(parent, Kind::Skip, to_bytes(rank));
  for (int child : children_of(rank, link_.size())) {
    const Peer& c = peers_[static_cast<size_t>(child)];
    if (!c.is_in && !c.lost) link_.send(child, Kind::Direct, "");
  }
}

void Root::look_for_lost(double now_s) {
  for (int r = 1; r < link_.size(); ++r) {
    const Peer& p = peers_[static_cast<size_t>(r)];
    if (p.is_in || p.lost) continue;
    if (p.hello && is_gone_(*p.hello)) {
      lose(r, "its process ended");
    } else if (now_s - p.last_s > patience_.lost_after_s) {
      lose(r, fmt::format("no sign of life for {:.0f} s", now_s - p.last_s));
    } else if (hurried_s_ && now_s - *hurried_s_ >= patience_.hurry_root_s) {
      lose(r, "its process ended, or was not done when mpirun ended the ranks");
    }
  }
}

bool Root::step(double now_s) {
  while (auto message = link_.receive()) take(std::move(*message), now_s);
  take_own_part(hurried_s_ && now_s - *hurried_s_ >= patience_.hurry_root_s);
  if (now_s - last_look_s_ >= kLookEvery_s) {
    last_look_s_ = now_s;
    look_for_lost(now_s);
  }
  if (now_s - last_beat_s_ >= patience_.beat_s) {
    last_beat_s_ = now_s;
    for (int r = 1; r < link_.size(); ++r) {
      if (!peers_[static_cast<size_t>(r)].lost) link_.send(r, Kind::Beat, "");
    }
  }
  return std::all_of(peers_.begin(), peers_.end(), [](const Peer& p) { return p.is_in || p.lost; });
}

std::vector<LostRank> Root::lost() const {
  std::vector<LostRank> list;
  for (size_t r = 1; r < peers_.size(); ++r) {
    const Peer& p = peers_[r];
    // One that is lost may have handed on its part before.
    if (p.is_in || !p.lost) continue;
    list.push_back({static_cast<int>(r), p.hello ? p.hello->host : "", *p.lost, work_[r].size()});
  }
  return list;
}

ReadResult Root::result() {
  ReadResult result;
  std::vector<Omission> left_out = std::move(part_.left_out);
  for (const LostRank& l : lost()) {
    const std::string where = l.host.empty() ? "" : " on " + l.host;
    const std::string why = fmt::format("was lost with MPI rank {}{}: {}", l.rank, where, l.why);
    for (Omission& o : omissions(work_[static_cast<size_t>(l.rank)], why))
      left_out.push_back(std::move(o));
  }
  std::stable_sort(left_out.begin(), left_out.end(),
                   [](const Omission& a, const Omission& b) { return a.input < b.input; });
  for (Omission& o : left_out) {
    result.left_out.push_back(std::move(o.error));
    result.left_out_of.push_back(o.input);
  }
  result.facts = std::move(part_.facts);
  return result;
}

void Root::dismiss() {
  for (int r = 1; r < link_.size(); ++r) link_.send(r, Kind::Done, "");
}

}  // namespace rankdx::mpi
