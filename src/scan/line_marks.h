// One pass over the bytes of a line: where NCCL speaks, and whether there is a byte that wants a
// closer look.
#pragma once

#include <cstdint>
#include <string_view>

namespace rankdx {

struct LineMarks {
  static constexpr size_t kNone = SIZE_MAX;
  size_t nccl = kNone;        ///< first "NCCL "
  size_t nccl_again = kNone;  ///< second "NCCL "
  bool odd = false;           ///< a control character or a byte outside ASCII
};

LineMarks mark_line(std::string_view line);

}  // namespace rankdx
