#include "checkpoint/name_set.h"

#include <sys/random.h>

#include <cstring>

namespace rankdx {
namespace {

uint64_t process_seed() {
  static const uint64_t seed = [] {
    uint64_t value = 0x9E3779B97F4A7C15u;
    (void)!getrandom(&value, sizeof value, GRND_NONBLOCK);
    return value;
  }();
  return seed;
}

uint64_t mixed(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// Multiply and fold, 8 bytes at a time; good enough for names, and nobody knows the seed.
uint64_t hash_of(std::string_view name) {
  uint64_t hash = process_seed() ^ name.size();
  const char* p = name.data();
  size_t left = name.size();
  uint64_t word = 0;
  for (; left >= 8; p += 8, left -= 8) {
    std::memcpy(&word, p, 8);
    hash = mixed(hash ^ word, 0xA0761D6478BD642Fu) + process_seed();
  }
  word = 0;
  if (left > 0) std::memcpy(&word, p, left);
  return mixed(hash ^ word, 0xE7037ED1A0B428DBu);
}

constexpr uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

}  // namespace

/// The slot of the name, or the free one where it would go.
size_t NameSet::place(std::string_view name, uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].entry != 0 &&
         (slots_[at].tag != tag_of(hash) || names_[slots_[at].entry - 1].text != name))
    at = (at + 1) & mask;
  return at;
}

void NameSet::grow(size_t slots) {
  slots_.assign(slots, Slot());
  const size_t mask = slots - 1;
  for (size_t i = 0; i < names_.size(); ++i) {
    size_t at = names_[i].hash & mask;
    while (slots_[at].entry != 0) at = (at + 1) & mask;
    slots_[at] = {tag_of(names_[i].hash), static_cast<uint32_t>(i + 1)};
  }
}

void NameSet::reserve(size_t names) {
  size_t slots = 64;
  while (slots < names * 2) slots *= 2;
  names_.reserve(names);
  if (slots > slots_.size()) grow(slots);
}

std::optional<uint32_t> NameSet::insert(std::string_view name, uint32_t number) {
  if (names_.size() * 2 >= slots_.size()) grow(slots_.empty() ? 64 : slots_.size() * 2);
  const uint64_t hash = hash_of(name);
  Slot& slot = slots_[place(name, hash)];
  if (slot.entry != 0) return names_[slot.entry - 1].number;
  names_.push_back({name, hash, number});
  slot = {tag_of(hash), static_cast<uint32_t>(names_.size())};
  return std::nullopt;
}

std::optional<uint32_t> NameSet::find(std::string_view name) const {
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_[place(name, hash_of(name))];
  if (slot.entry == 0) return std::nullopt;
  return names_[slot.entry - 1].number;
}

}  // namespace rankdx
