// A rank other than 0: reads its share, adds what its children in the tree found, passes it on, and
// keeps it until the root is done.
#pragma once

#include <set>

#include "mpi/link.h"

namespace rankdx::mpi {

class Member {
 public:
  /// Both outlive the member.
  Member(Link& link, Reader& reader, Patience patience, const Hello& self, double now_s);

  enum class State : uint8_t { Working, Done, RootLost };
  /// Does what can be done now. `now_s` never goes back.
  State step(double now_s);
  /// SIGTERM has come: what is here by then must do.
  void hurry(double now_s);

 private:
  void take(Message message, double now_s);
  void take_own_part(double now_s);
  void pass_on();

  Link& link_;
  Reader& reader_;
  const Patience patience_;
  std::set<int> awaited_;  ///< children whose part is to come
  Work work_;
  Part part_;  ///< own and of the children
  bool has_work_ = false, has_own_ = false, is_sent_ = false, is_done_ = false;
  int target_;
  double last_beat_s_, last_root_s_;
  std::optional<double> hurried_s_;
};

/// Inputs of a rank that it could not read after all.
std::vector<Omission> omissions(const Work& work, const std::string& why);

}  // namespace rankdx::mpi
