// A progress bar on standard error, for work that takes over a second; nothing where that is no
// terminal.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace rankdx {

struct Progress {
  uint64_t done = 0, total = 0;  ///< bytes; total 0: unknown
  uint64_t files = 0, files_total = 0;
};

/// "412 MB of 1.0 GB, 640 MB/s, 1 s left", with a bar where the total is known. At most `width`
/// columns.
std::string progress_line(const Progress& now, double seconds, int width);

/// Draws until it is destroyed, then wipes the line. `look` is called by another thread.
class ProgressBar {
 public:
  explicit ProgressBar(std::function<Progress()> look);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

 private:
  void draw();

  std::function<Progress()> look_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread thread_;
};

}  // namespace rankdx
