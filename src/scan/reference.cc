#include "scan/reference.h"

#include "scan/clean.h"
#include "scan/message.h"

namespace rankdx {

void ReferenceScanner::scan_line(std::string_view line, MessageSink& sink) {
  ++counts_.lines;
  std::string scratch;
  const CleanLine clean = clean_line(line, scratch);
  LineOutput out{sink, counts_, line, clean.text_damaged, clean.damaged};
  std::vector<std::string> parts = {std::string(clean.text)};
  if (clean.has_returns) parts = visible_parts(clean.text);
  for (const std::string& part : parts) emit_messages(part, part.find("NCCL "), memory_, out);
  counts_.damaged_lines += out.damaged;
}

}  // namespace rankdx
