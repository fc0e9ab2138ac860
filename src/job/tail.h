// The last lines of a source, while it is being read. Owns its copies; not thread-safe.
#pragma once

#include <deque>
#include <string>
#include <string_view>

namespace rankdx {

class Tail {
 public:
  static constexpr size_t kLines = 20;
  static constexpr size_t kBytes = 1024;  ///< kept of a line

  void add(std::string_view line);
  /// Whole lines; only the last one may lack its newline.
  void add_block(std::string_view block);
  const std::deque<std::string>& lines() const { return lines_; }

 private:
  std::deque<std::string> lines_;
};

}  // namespace rankdx
