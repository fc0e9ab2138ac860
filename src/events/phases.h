// The phases of a vLLM start, and the words that say where a process stands. A sorted table of
// literals (phases.cc), made from the messages of vLLM 0.6 to 0.26; no state. Thread-safe after the
// first call.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace rankdx {

/// In the order in which a launch passes them.
enum class Phase : uint8_t {
  Boot,
  Rendezvous,
  NcclInit,
  Connect,
  Load,
  Compile,
  KvCache,
  Graphs,
  Ready,
  Serving
};

enum class MarkKind : uint8_t {
  Enter,   ///< the process is in this phase
  Banner,  ///< the first words of a server: seen again, the container has started anew
  Wait,    ///< printed again and again by a process that waits: no sign of progress
  Fail,    ///< the process gave up
};

struct PhaseMark {
  std::string_view text;
  Phase phase;  ///< for Fail and Wait: not used
  MarkKind kind;
};

/// Sorted by text.
std::span<const PhaseMark> phase_marks();

/// The mark of a line of vLLM: of several, Fail first, then the latest phase. Nothing for other
/// lines.
std::optional<PhaseMark> phase_of(std::string_view body);

/// "loading", "NCCL init"...
std::string_view name_of(Phase phase);

/// How long a healthy launch may print nothing in this phase, in seconds.
double patience_s(Phase phase);

/// What a progress bar of tqdm says.
struct BarState {
  double done = 0, total = 0;
  double left_s = -1;  ///< -1: not known yet
  double item_s = -1;  ///< seconds per item; -1: not known yet
  bool operator==(const BarState&) const = default;
};

/// "...: 11% Completed | 1/9 [00:01<00:08,  1.10s/it]", also the default form "100%|###| 51/51
/// [00:06<00:00, 8.36it/s]".
std::optional<BarState> bar_of_line(std::string_view body);

}  // namespace rankdx
