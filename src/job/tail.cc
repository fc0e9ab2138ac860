#include "job/tail.h"

#include "base/text.h"

namespace rankdx {

void Tail::add(std::string_view line) {
  std::string kept;
  if (lines_.size() == kLines) {
    kept = std::move(lines_.front());
    lines_.pop_front();
  }
  kept.assign(line.substr(0, kBytes));
  lines_.push_back(std::move(kept));
}

void Tail::add_block(std::string_view block) {
  if (block.empty()) return;
  if (block.ends_with('\n')) block.remove_suffix(1);
  size_t from = block.size();
  for (size_t found = 0; found < kLines; ++found) {
    const size_t newline = from == 0 ? block.npos : block.rfind('\n', from - 1);
    if (newline == block.npos) {
      from = 0;
      break;
    }
    from = found + 1 == kLines ? newline + 1 : newline;
  }
  for (std::string_view line : split(block.substr(from), '\n')) add(line);
}

}  // namespace rankdx
