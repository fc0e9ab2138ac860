#include "mpi/member.h"

#include "mpi/share.h"

namespace rankdx::mpi {

std::vector<Omission> omissions(const Work& work, const std::string& why) {
  std::vector<Omission> list;
  for (const Share& s : work) {
    list.push_back({s.index, {ErrorCode::Unreadable, why, s.path.path, "diagnose it again"}});
  }
  return list;
}

Member::Member(Link& link, Reader& reader, Patience patience, const Hello& self, double now_s)
    : link_(link),
      reader_(reader),
      patience_(patience),
      target_(parent_of(link.rank())),
      last_beat_s_(now_s),
      last_root_s_(now_s) {
  for (int child : children_of(link.rank(), link.size())) awaited_.insert(child);
  part_.ranks = {link.rank()};
  link_.send(0, Kind::Hello, to_bytes(self));
}

void Member::hurry(double now_s) {
  if (!hurried_s_) hurried_s_ = now_s;
}

void Member::take(Message message, double now_s) {
  if (message.from == 0) last_root_s_ = now_s;
  switch (message.kind) {
    case Kind::Work:
      if (has_work_) return;
      has_work_ = true;
      work_ = read_work(message.bytes).value_or(Work{});
      reader_.start(work_);
      return;
    case Kind::Part:
      if (auto part = read_part(message.bytes)) add(part_, std::move(*part));
      awaited_.erase(message.from);
      // Too late for what was sent already: the root hears of it on its own way.
      if (is_sent_) link_.send(0, Kind::Part, std::move(message.bytes));
      return;
    case Kind::Skip:
      if (const auto rank = read_rank(message.bytes)) awaited_.erase(*rank);
      return;
    case Kind::Direct:
      target_ = 0;
      if (is_sent_) pass_on();
      return;
    case Kind::Done:
      is_done_ = true;
      return;
    default:
      return;
  }
}

void Member::take_own_part(double now_s) {
  if (has_own_ || !has_work_) return;
  const bool too_late = hurried_s_ && now_s - *hurried_s_ >= patience_.hurry_member_s;
  auto result = reader_.result();
  if (!result && !too_late) return;
  has_own_ = true;
  if (result && *result) return add(part_, std::move(**result));
  const std::string why =
      result ? result->error().text : "was not done when mpirun ended the ranks";
  for (Omission& o : omissions(work_, "MPI rank " + std::to_string(link_.rank()) + ": " + why)) {
    part_.left_out.push_back(std::move(o));
  }
}

void Member::pass_on() {
  link_.send(target_, Kind::Part, to_bytes(part_));
  is_sent_ = true;
}

Member::State Member::step(double now_s) {
  while (auto message = link_.receive()) take(std::move(*message), now_s);
  if (is_done_) return State::Done;
  take_own_part(now_s);
  if (hurried_s_ && now_s - *hurried_s_ >= patience_.hurry_member_s) {
    awaited_.clear();
    target_ = 0;
  }
  if (has_own_ && awaited_.empty() && !is_sent_) pass_on();
  if (now_s - last_beat_s_ >= patience_.beat_s) {
    last_beat_s_ = now_s;
    link_.send(0, Kind::Beat, "");
  }
  return now_s - last_root_s_ > patience_.lost_after_s ? State::RootLost : State::Working;
}

}  // namespace rankdx::mpi
