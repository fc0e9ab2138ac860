// How far a long piece of work has come, on standard error: "reading 1.2 of 4.0 GB, 812 MB/s, 4 s
// left". Nothing for work under a second, and nothing where standard error is no terminal. Any
// thread may call add().
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace rankdx {

/// What the numbers count.
enum class Unit : uint8_t { Bytes, Things };

struct ProgressState {
  uint64_t done = 0;
  uint64_t total = 0;  ///< 0: unknown
  double seconds = 0;
  Unit unit = Unit::Bytes;
};

/// One line without an end: a bar where there is room and a total.
std::string progress_text(std::string_view what, const ProgressState& state, int width);

class Progress {
 public:
  enum class Show : uint8_t { OnTerminal, Never };

  /// `what` in the present: "reading". `total` 0: unknown.
  Progress(std::string what, uint64_t total, Unit unit, Show show = Show::OnTerminal);
  /// Wipes its line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// So much more is done. Cheap: draws at most ten times a second.
  void add(uint64_t more);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(Clock::time_point now);

  const std::string what_;
  const uint64_t total_;
  const Unit unit_;
  const bool shown_;
  const Clock::time_point start_ = Clock::now();
  std::atomic<uint64_t> done_ = 0;
  std::atomic<int64_t> next_draw_ms_;
  std::mutex drawing_;
  bool drawn_ = false;
};

}  // namespace rankdx
