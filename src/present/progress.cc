#include "present/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "present/safe_text.h"
#include "present/terminal.h"

namespace rankdx {
namespace {

constexpr int64_t kFirstDrawMs = 1000, kDrawEveryMs = 100;
constexpr size_t kBar = 20;

/// 1234567890 bytes as "1.2 GB"; decimal units, as file managers and networks count.
std::string amount(double n, Unit unit) {
  if (unit == Unit::Things) return fmt::format("{:.0f}", n);
  constexpr std::array<std::string_view, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  size_t i = 0;
  while (n >= 1000 && i + 1 < kUnits.size()) n /= 1000, ++i;
  return i == 0 || n >= 100 ? fmt::format("{:.0f} {}", n, kUnits[i])
                            : fmt::format("{:.1f} {}", n, kUnits[i]);
}

std::string duration(double seconds) {
  const auto s = static_cast<uint64_t>(std::min(seconds, 1e9) + 0.5);
  if (s < 100) return fmt::format("{} s", s);
  if (s < 100 * 60) return fmt::format("{} min", (s + 30) / 60);
  return fmt::format("{} h", (s + 1800) / 3600);
}

bool standard_error_can() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) && term && std::string_view(term) != "dumb";
}

}  // namespace

std::string progress_text(std::string_view what, const ProgressState& p, int width) {
  std::string text = safe_text(what) + " " + amount(static_cast<double>(p.done), p.unit);
  if (p.total > 0) text += " of " + amount(static_cast<double>(p.total), p.unit);
  const double rate = p.seconds > 0 ? static_cast<double>(p.done) / p.seconds : 0;
  if (rate > 0) text += ", " + amount(rate, p.unit) + "/s";
  if (rate > 0 && p.total > p.done) {
    text += ", " + duration(static_cast<double>(p.total - p.done) / rate) + " left";
  }
  const size_t room = static_cast<size_t>(std::max(width, 2)) - 1;  // the last column would wrap
  if (p.total > 0 && display_width(text) + kBar + 3 <= room) {
    const double share = std::min(1.0, static_cast<double>(p.done) / static_cast<double>(p.total));
    const auto filled = static_cast<size_t>(share * kBar);
    text = "[" + std::string(filled, '#') + std::string(kBar - filled, '.') + "] " + text;
  }
  return shortened(text, room);
}

Progress::Progress(std::string what, uint64_t total, Unit unit, Show show)
    : what_(std::move(what)),
      total_(total),
      unit_(unit),
      shown_(show == Show::OnTerminal && standard_error_can()),
      next_draw_ms_(kFirstDrawMs) {}

Progress::~Progress() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
}

void Progress::add(uint64_t more) {
  done_.fetch_add(more, std::memory_order_relaxed);
  if (!shown_) return;
  const auto now = Clock::now();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - start_).count();
  int64_t due = next_draw_ms_.load(std::memory_order_relaxed);
  // Of several threads that find it due, one draws.
  if (ms >= due && next_draw_ms_.compare_exchange_strong(due, ms + kDrawEveryMs)) draw(now);
}

void Progress::draw(Clock::time_point now) {
  const std::lock_guard lock(drawing_);
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const ProgressState state{done_.load(std::memory_order_relaxed), total_, seconds, unit_};
  const std::string text =
      "\r" + progress_text(what_, state, width_of_terminal(STDERR_FILENO)) + "\x1b[K";
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace rankdx
