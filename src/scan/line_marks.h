// One pass over the bytes of a line: where NCCL speaks, where a date stands before it, and whether
// there is a byte that wants a closer look.
#pragma once

#include <cstdint>
#include <string_view>

namespace rankdx {

struct LineMarks {
  static constexpr size_t kNone = SIZE_MAX;
  static constexpr int kMaxDates = 3;
  size_t nccl = kNone;        ///< first "NCCL "
  size_t nccl_again = kNone;  ///< second "NCCL "
  size_t date[kMaxDates]{};   ///< "0000-00-00" before `nccl`
  int dates = 0;              ///< kMaxDates: there may be more
  bool odd = false;           ///< a control character or a byte outside ASCII
};

LineMarks mark_line(std::string_view line);

}  // namespace rankdx
