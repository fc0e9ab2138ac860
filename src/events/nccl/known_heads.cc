#include "events/nccl/known_heads.h"

#include <algorithm>
#include <iterator>

#include "events/nccl/heads.h"

namespace rankdx::nccl {
namespace {

constexpr KnownHead kKnownHeads[] = {
#include "events/nccl/known_heads.inc"
};

constexpr bool by_head(const KnownHead& a, const KnownHead& b) {
  return a.head != b.head ? a.head < b.head : a.inner < b.inner;
}
static_assert(std::is_sorted(std::begin(kKnownHeads), std::end(kKnownHeads), by_head));

/// Texts of network plugins and of builds that are not in NCCL's own source.
constexpr std::string_view kForeignHeads[] = {
    "Could not find real path of ",  // interface without a device, plugins built on NCCL's socket code
    "Could not get speed from ",
    "Dmabuf feature disabled",      // RCCL
    "Kernel version: ",             // RCCL
    "P2P plugin ",                  // HPC-X
    "Plugin Path : ",               // HPC-X
    "ROCr version ",                // RCCL
    "Successfully loaded external plugin ",
    "dlvsym failed on ",
};

size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

bool is_listed(std::string_view body) {
  const KnownHead* const begin = std::begin(kKnownHeads);
  const auto before = [](std::string_view text, const KnownHead& row) { return text < row.head; };
  std::string_view prefix = body;
  const KnownHead* end = std::upper_bound(begin, std::end(kKnownHeads), prefix, before);
  // The rows whose head is a prefix of the body, from the longest: what lies between them is jumped over.
  while (end != begin) {
    const KnownHead& row = end[-1];
    const size_t common = common_prefix(row.head, prefix);
    if (common == row.head.size()) {
      if (row.inner.empty() || body.find(row.inner, row.head.size()) != std::string_view::npos) return true;
      --end;
    } else {
      prefix = prefix.substr(0, common);
      end = std::upper_bound(begin, end, prefix, before);
    }
  }
  return false;
}

}  // namespace

std::span<const KnownHead> known_heads() { return kKnownHeads; }

bool is_known_text(std::string_view body) {
  if (is_listed(body)) return true;
  if (std::any_of(std::begin(kForeignHeads), std::end(kForeignHeads),
                  [&](std::string_view head) { return body.starts_with(head); })) {
    return true;
  }
  Cursor at(body);
  std::string_view file, func;
  return take_place(at, file, func) && is_listed(at.rest());
}

}  // namespace rankdx::nccl
