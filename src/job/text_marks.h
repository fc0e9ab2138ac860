// What a line of text that is not NCCL's may be good for, found in one pass over it.
#pragma once

#include <cstdint>
#include <string_view>

namespace rankdx {

struct TextMarks {
  bool engine = false;  ///< vLLM names its version
  bool phase = false;   ///< a phase of vLLM's start, or a progress bar
  bool python = false;  ///< perhaps a part of a traceback
  bool any() const { return engine || phase || python; }
};

TextMarks text_marks(std::string_view body);

}  // namespace rankdx
