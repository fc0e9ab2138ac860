#include "scan/line_cutter.h"

#include <algorithm>

namespace rankdx {

bool LineCutter::refill() {
  const auto left = static_cast<size_t>(end_ - next_);
  if (left == 0) return false;
  from_ = next_;
  if (left >= kPiece + kNameReach) {
    const size_t pieces = std::min(kMostPieces, (left - kNameReach) / kPiece);
    index_bytes_(next_, pieces, index_);
    next_ += pieces * kPiece;
  } else {
    // Behind the block is somebody else's memory. Blanks are no place of interest.
    char tail[2 * kPiece + kNameReach];
    std::memset(tail, ' ', sizeof tail);
    std::memcpy(tail, next_, left);
    index_bytes_(tail, 2, index_);
    next_ = end_;
  }
  newline_ = index_.newlines.data();
  name_ = index_.names.data();
  odd_ = index_.odd.data();
  return true;
}

}  // namespace rankdx
