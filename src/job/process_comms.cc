// Which communicators a process keeps: all that live or failed, and of those that were closed in
// order the first and the last ones. A job can open them by the thousand.
#include <algorithm>
#include <numeric>

#include "job/process_fold.h"

namespace rankdx {

CommFacts* ProcessFold::comm_by_pointer(uint64_t comm) {
  if (comm == recent_comm_ && comm) return &facts.comms[recent_index_];
  auto found = live_.find(comm);
  if (found == live_.end()) return nullptr;
  recent_comm_ = comm;
  recent_index_ = found->second;
  return &facts.comms[found->second];
}

void ProcessFold::set_live(uint64_t comm, int index) {
  live_[comm] = index;
  recent_comm_ = 0;
}

int ProcessFold::current_comm(int tid) const {
  auto found = thread_comm_.find(tid);
  if (found == thread_comm_.end()) return -1;
  const auto [index, serial] = found->second;
  return places_[static_cast<size_t>(index)].serial == serial ? index : -1;
}

CommFacts* ProcessFold::comm_of_thread(int tid) {
  const int index = current_comm(tid);
  return index < 0 ? nullptr : &facts.comms[index];
}

CommFacts* ProcessFold::open_comm(const Event& event, const LinePlace& at) {
  const int index = take_place();
  if (index < 0) return nullptr;
  CommFacts& comm = facts.comms[static_cast<size_t>(index)];
  comm.comm = event.comm;
  comm.tid = at.tid;
  if (event.comm) set_live(event.comm, index);
  if (thread_comm_.size() < kMaxThreads || thread_comm_.count(at.tid)) {
    thread_comm_[at.tid] = {index, places_[static_cast<size_t>(index)].serial};
  }
  return &comm;
}

/// An index for a new communicator, -1 when there are too many.
int ProcessFold::take_place() {
  const bool many =
      facts.comms.size() >= kMaxComms || (budget_.is_spent() && facts.comms.size() >= kFewComms);
  int index = static_cast<int>(facts.comms.size());
  if (!free_places_.empty()) {
    index = free_places_.back();
    free_places_.pop_back();
  } else if (many) {
    index = oldest_at_work();
    if (index < 0) {
      ++facts.comms_dropped;
      return -1;
    }
    give_up_comm(index);
    free_places_.pop_back();
  } else {
    facts.comms.emplace_back();
    places_.emplace_back();
  }
  ++budget_.kept;
  Place& place = places_[static_cast<size_t>(index)];
  place.serial = ++last_serial_;
  place.is_held = place.is_parent = false;
  opened_.push_back({index, last_serial_});
  return index;
}

/// Logs without "Destroy" lines (older versions, processes that just end) seem to keep all
/// communicators open: the oldest that is complete, but for the first ones. -1: there is none.
int ProcessFold::oldest_at_work() {
  const auto is_gone = [&](const Opened& o) {
    return places_[static_cast<size_t>(o.index)].serial != o.serial;
  };
  if (opened_.size() > 2 * kMaxComms) std::erase_if(opened_, is_gone);
  const uint64_t first = budget_.is_spent() ? kFewComms / 2 : kFirstClosed;
  for (const Opened& o : opened_) {
    if (o.serial <= first || is_gone(o) || places_[static_cast<size_t>(o.index)].is_held) continue;
    const CommFacts& comm = facts.comms[static_cast<size_t>(o.index)];
    if (!comm.failed && comm.stage >= Stage::InitComplete && comm.stage != Stage::Destroyed)
      return o.index;
  }
  return -1;
}

void ProcessFold::set_parent(CommFacts& comm, int index) {
  comm.parent_index = index;
  places_[static_cast<size_t>(index)].is_parent = true;
}

void ProcessFold::close_comm(int index) {
  if (facts.comms[static_cast<size_t>(index)].failed) return;
  const bool spent = budget_.is_spent();
  if (first_closed_ < (spent ? kFewComms / 2 : kFirstClosed)) {
    ++first_closed_;
    return;
  }
  closed_.push_back(index);
  while (closed_.size() > (spent ? kFewComms / 2 : kLastClosed)) {
    const int oldest = closed_.front();
    closed_.erase(closed_.begin());
    if (!places_[static_cast<size_t>(oldest)].is_held) give_up_comm(oldest);
  }
}

void ProcessFold::give_up_comm(int index) {
  if (places_[static_cast<size_t>(index)].is_parent) {
    for (CommFacts& comm : facts.comms) {
      if (comm.parent_index == index) comm.parent_index = -1;
    }
  }
  children_.erase(static_cast<uint64_t>(index));
  if (last_complete_ == index) last_complete_ = -1;
  recent_comm_ = 0;
  const auto live = live_.find(facts.comms[static_cast<size_t>(index)].comm);
  if (live != live_.end() && live->second == index) live_.erase(live);
  facts.comms[static_cast<size_t>(index)] = {};
  Place& place = places_[static_cast<size_t>(index)];
  place.serial = 0;
  place.calls.clear();
  place.calls_ring.clear();
  free_places_.push_back(index);
  --budget_.kept;
  ++facts.comms_dropped;
}

/// Puts the communicators in the order in which they started. Returns the new index of each, -1 for
/// a free place.
std::vector<int> ProcessFold::order_comms() {
  std::vector<int> order(facts.comms.size());
  std::iota(order.begin(), order.end(), 0);
  auto serial = [&](int index) { return places_[static_cast<size_t>(index)].serial; };
  std::sort(order.begin(), order.end(), [&](int a, int b) { return serial(a) < serial(b); });
  order.erase(order.begin(),
              std::find_if(order.begin(), order.end(), [&](int i) { return serial(i) > 0; }));
  std::vector<int> new_index(facts.comms.size(), -1);
  std::vector<CommFacts> ordered;
  ordered.reserve(order.size());
  for (int index : order) {
    new_index[static_cast<size_t>(index)] = static_cast<int>(ordered.size());
    ordered.push_back(std::move(facts.comms[static_cast<size_t>(index)]));
  }
  for (CommFacts& comm : ordered) {
    if (comm.parent_index >= 0)
      comm.parent_index = new_index[static_cast<size_t>(comm.parent_index)];
  }
  facts.comms = std::move(ordered);
  return new_index;
}

}  // namespace rankdx
