// The text of one rank, phase by phase. Const after construction: any number of threads may render.
#pragma once

#include <string>
#include <vector>

#include "fleet.h"
#include "form.h"

namespace rankdx::fleet {

/// Everything about a rank that its lines need; made once for all phases.
struct Speaker {
  Place place;
  Fate fate;
  Timings timings;
  const Form* form = nullptr;
  std::string main, proxy, root, main_warn, root_warn;  ///< prefixes
  std::string comm, trees;
};

class Renderer {
 public:
  /// `other`: what the node of VersionDiffers prints. The forms outlive the renderer.
  Renderer(const Plan& plan, const Form& form, const Form& other);

  Speaker speaker(int rank) const;
  /// The names of all phases in order, those of the faults at the end.
  const std::vector<std::string>& phases() const { return phases_; }
  /// Adds what the rank prints in a phase; nothing when it does not get there. The phase "call" has
  /// plan.calls rounds.
  void phase(const Speaker& speaker, const std::string& name, std::string& out) const;
  /// Collective calls `from` to `to` (excluded).
  void calls(const Speaker& speaker, uint64_t from, uint64_t to, std::string& out) const;

 private:
  void add_lines(const Phase& phase, Slot& slot, std::string& out) const;
  bool applies(const Speaker& s, Only only) const;
  int64_t time_us(const Speaker& s, std::string_view phase) const;

  const Plan& plan_;
  const Form& form_;
  const Form& other_;
  std::vector<std::string> phases_;
  std::string comm_id_;
};

}  // namespace rankdx::fleet
