// Lines of tracebacks to one fact each, while a source is being read. Lines of several ranks may
// stand between each other: they are kept apart by process and by the rank that a wrapper names.
// Bounded: a traceback that nobody ends is forgotten when its writer begins another one.
#pragma once

#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "job/facts.h"

namespace rankdx {

class PythonFold {
 public:
  static constexpr size_t kMaxWriters = 4096;

  struct Place {
    int process = -1;
    int label_rank = -1;
    uint64_t number = 0;
    int64_t time_us = kNoTime;
    std::string_view text;  ///< the whole physical line
  };

  /// A line of text; whatever it is.
  void add(std::string_view body, const Place& at);
  /// In line order. Call once.
  std::vector<PythonErrorFacts> take() { return std::move(errors_); }

 private:
  struct Open {
    uint64_t first_line = 0;  ///< 0: no traceback is open
    uint64_t frame_count = 0;
    std::vector<KeptLine> frames;
    int last = -1;     ///< this writer's last exception
    int earlier = -1;  ///< what the next one was raised upon
    bool direct = false;
  };
  void begin(Open& open, const Place& at);
  void end(Open& open, const Place& at, std::string_view exception, std::string_view message);

  std::vector<PythonErrorFacts> errors_;
  std::unordered_map<uint64_t, int> known_;  ///< hash of process, exception and place -> index
  std::map<std::pair<int, int>, Open> open_;
};

}  // namespace rankdx
