#include "scan/reference.h"

#include "scan/clean.h"
#include "scan/message.h"

namespace rankdx {

void ReferenceScanner::scan_line(std::string_view line, MessageSink& sink) {
  ++counts_.lines;
  std::string scratch;
  const CleanLine clean = clean_line(line, scratch);
  LineOutput out{sink, counts_, line, clean.text_damaged, clean.damaged};
  auto scan = [&](std::string_view text) { emit_messages(text, text.find("NCCL "), memory_, out); };
  if (clean.has_returns) {
    for_each_visible_part(clean.text, scan);
  } else {
    scan(clean.text);
  }
  counts_.damaged_lines += out.damaged;
}

}  // namespace rankdx
