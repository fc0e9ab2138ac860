#include "present/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "present/terminal.h"

namespace rankdx {
namespace {

constexpr auto kFirst = std::chrono::milliseconds(1000);  // quick work shows nothing
constexpr auto kEvery = std::chrono::milliseconds(200);

std::string size_in_words(double bytes) {
  for (const char* unit : {"B", "kB", "MB"}) {
    if (bytes < 999.5) return fmt::format("{:.0f} {}", bytes, unit);
    bytes /= 1000;
  }
  return bytes < 999.5 ? fmt::format("{:.1f} GB", bytes) : fmt::format("{:.1f} TB", bytes / 1000);
}

std::string time_in_words(double seconds) {
  const auto s = static_cast<int64_t>(std::ceil(seconds));
  return s < 100 ? fmt::format("{} s", s) : fmt::format("{} min", (s + 59) / 60);
}

}  // namespace

std::string progress_line(const Progress& now, double seconds, int width) {
  const double rate = seconds > 0 ? static_cast<double>(now.done) / seconds : 0;
  std::string text = size_in_words(static_cast<double>(now.done));
  std::string bar;
  if (now.total > 0) {
    const double share =
        std::min(1.0, static_cast<double>(now.done) / static_cast<double>(now.total));
    constexpr int kCells = 20;
    const auto full = static_cast<size_t>(share * kCells);
    bar = fmt::format("[{}{}] {:3.0f}% ", std::string(full, '#'), std::string(kCells - full, '.'),
                      share * 100);
    text += " of " + size_in_words(static_cast<double>(now.total));
  }
  text += fmt::format(", {}/s", size_in_words(rate));
  if (now.total > now.done && rate > 0) {
    text +=
        fmt::format(", {} left", time_in_words(static_cast<double>(now.total - now.done) / rate));
  }
  if (now.files_total > 1) text += fmt::format(", {} of {} files", now.files, now.files_total);
  const auto most = static_cast<size_t>(std::max(width - 1, 10));
  if (bar.size() + text.size() > most) bar.clear();
  return (bar + text).substr(0, most);
}

ProgressBar::ProgressBar(std::function<Progress()> look) : look_(std::move(look)) {
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  if (isatty(STDERR_FILENO) != 0 && !dumb) thread_ = std::thread([this] { draw(); });
}

ProgressBar::~ProgressBar() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

void ProgressBar::draw() {
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  bool drawn = false;
  auto wait = kFirst;
  while (!ended_.wait_for(lock, wait, [&] { return end_; })) {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    const std::string line =
        progress_line(look_(), passed.count(), width_of_terminal(STDERR_FILENO));
    std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
    std::fflush(stderr);
    drawn = true;
    wait = kEvery;
  }
  if (drawn) std::fputs("\r\x1b[K", stderr);
}

}  // namespace rankdx
