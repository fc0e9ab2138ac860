// A block to its lines and their marks, in one pass over the bytes. Not thread-safe; the lines are
// views into the block.
#pragma once

#include <cstring>
#include <string_view>

#include "scan/byte_index.h"
#include "scan/line_marks.h"

namespace rankdx {

class LineCutter {
 public:
  explicit LineCutter(std::string_view block, IndexBytes index = index_ways().front().index)
      : index_bytes_(index), line_(block.data()), end_(block.data() + block.size()), next_(line_) {}

  /// The next line, without its newline, and the marks of all its bytes; false at the end.
  bool next(std::string_view& line, LineMarks& marks) {
    if (line_ == end_) return false;
    marks = {};
    while (true) {
      const uint16_t newline = *newline_;
      for (; *name_ < newline; ++name_) note_name(from_ + *name_, marks);
      for (; *odd_ < newline; ++odd_) marks.odd = true;
      if (newline != ByteIndex::kEnd) {
        ++newline_;
        return give(from_ + newline, from_ + newline + 1, line);
      }
      if (!refill()) return give(end_, end_, line);
    }
  }

 private:
  static constexpr uint16_t kNothing = ByteIndex::kEnd;

  bool give(const char* stop, const char* next_line, std::string_view& line) {
    line = {line_, static_cast<size_t>(stop - line_)};
    line_ = next_line;
    return true;
  }

  void note_name(const char* at, LineMarks& marks) const {
    constexpr std::string_view kName = "NCCL ";
    if (static_cast<size_t>(end_ - at) < kName.size()) return;
    if (std::memcmp(at, kName.data(), 4) != 0 || at[4] != kName[4]) return;
    const auto offset = static_cast<size_t>(at - line_);
    if (marks.nccl == LineMarks::kNone) {
      marks.nccl = offset;
    } else if (marks.nccl_again == LineMarks::kNone) {
      marks.nccl_again = offset;
    }
  }

  /// Looks through the next bytes; false at the end of the block.
  bool refill();

  const IndexBytes index_bytes_;
  const char* line_;            ///< where the line at hand begins
  const char* const end_;       ///< of the block
  const char* next_;            ///< the first byte that was not looked at
  const char* from_ = nullptr;  ///< what the places count from
  const uint16_t* newline_ = &kNothing;
  const uint16_t* name_ = &kNothing;
  const uint16_t* odd_ = &kNothing;
  ByteIndex index_;
};

}  // namespace rankdx
