#include "events/nccl/known_heads.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "events/nccl/heads.h"
#include "scan/literal_set.h"

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
    "Could not find real path of ",  // interface without a device, plugins built on NCCL's socket
                                     // code
    "Could not get speed from ",
    "Dmabuf feature disabled",  // RCCL
    "Kernel version: ",         // RCCL
    "P2P plugin ",              // HPC-X
    "Plugin Path : ",           // HPC-X
    "ROCr version ",            // RCCL
    "Successfully loaded external plugin ",
    "dlvsym failed on ",
};

/// The rows whose heads have the same first 4 bytes.
struct Group {
  uint32_t key = 0;
  uint16_t first = 0, count = 0;
};
constexpr size_t kKey = 4;
constexpr size_t kSlots = 2048;
constexpr size_t slot_of(uint32_t key) { return (key * 0x9e3779b1u) >> 21; }
static_assert((uint32_t{0xffffffff} >> 21) == kSlots - 1);

constexpr uint32_t key_of(std::string_view text) {
  uint32_t key = 0;
  for (size_t i = kKey; i-- > 0;) key = key << 8 | static_cast<unsigned char>(text[i]);
  return key;
}

/// Open addressing. Heads shorter than the key have no place here: is_listed() looks at them one by
/// one.
constexpr auto make_groups() {
  std::array<Group, kSlots> groups{};
  for (size_t i = 0; i < std::size(kKnownHeads); ++i) {
    if (kKnownHeads[i].head.size() < kKey) continue;
    const uint32_t key = key_of(kKnownHeads[i].head);
    size_t slot = slot_of(key);
    while (groups[slot].count && groups[slot].key != key) slot = (slot + 1) % kSlots;
    if (!groups[slot].count) groups[slot] = {key, static_cast<uint16_t>(i), 0};
    ++groups[slot].count;
  }
  return groups;
}
constexpr auto kGroups = make_groups();

/// Heads that are shorter than the key, but for the empty ones.
constexpr bool is_short(const KnownHead& row) {
  return !row.head.empty() && row.head.size() < kKey;
}
constexpr auto kShortHeads = [] {
  constexpr auto kCount = std::count_if(std::begin(kKnownHeads), std::end(kKnownHeads), is_short);
  std::array<KnownHead, static_cast<size_t>(kCount)> heads{};
  std::copy_if(std::begin(kKnownHeads), std::end(kKnownHeads), heads.begin(), is_short);
  return heads;
}();

/// What rows without a head look for, wherever it stands.
const LiteralSet& headless() {
  static const LiteralSet texts = [] {
    std::vector<std::string> inner;
    for (const KnownHead& row : kKnownHeads) {
      if (row.head.empty()) inner.emplace_back(row.inner);
    }
    return LiteralSet(std::move(inner));
  }();
  return texts;
}
static_assert(std::none_of(std::begin(kKnownHeads), std::end(kKnownHeads),
                           [](const KnownHead& row) {
                             return row.head.empty() && row.inner.size() < 8;
                           }));

bool fits(const KnownHead& row, std::string_view body) {
  constexpr size_t kLook = 12;  // most rows of a group differ from the body in these bytes
  if (row.head.size() >= kLook && body.size() >= kLook &&
      std::memcmp(row.head.data() + kKey, body.data() + kKey, 8) != 0) {
    return false;
  }
  return body.starts_with(row.head) &&
         (row.inner.empty() || body.find(row.inner, row.head.size()) != std::string_view::npos);
}

bool is_listed(std::string_view body) {
  if (body.size() >= kKey) {
    const uint32_t key = key_of(body);
    for (size_t slot = slot_of(key); kGroups[slot].count; slot = (slot + 1) % kSlots) {
      if (kGroups[slot].key != key) continue;
      const auto rows = std::span(kKnownHeads).subspan(kGroups[slot].first, kGroups[slot].count);
      if (std::any_of(rows.begin(), rows.end(),
                      [&](const KnownHead& row) { return fits(row, body); }))
        return true;
      break;
    }
  }
  return headless().any(body) || std::any_of(kShortHeads.begin(), kShortHeads.end(),
                                             [&](const KnownHead& row) { return fits(row, body); });
}

}  // namespace

std::span<const KnownHead> known_heads() { return kKnownHeads; }

bool is_known_text(std::string_view body) {
  Cursor at(body);
  std::string_view file, func;
  if (take_place(at, file, func) && is_listed(at.rest())) return true;
  return is_listed(body) ||
         std::any_of(std::begin(kForeignHeads), std::end(kForeignHeads),
                     [&](std::string_view head) { return body.starts_with(head); });
}

}  // namespace rankdx::nccl
