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

const char kEmpty = 0;

/// A view that is never free, also for the empty name.
std::string_view held(std::string_view name) {
  return name.empty() ? std::string_view(&kEmpty, 0) : name;
}

}  // namespace

size_t NameSet::place(std::string_view name, uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].name.data() != nullptr && (slots_[at].hash != hash || slots_[at].name != name))
    at = (at + 1) & mask;
  return at;
}

void NameSet::grow(size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(slots_);
  for (const Slot& slot : old)
    if (slot.name.data() != nullptr) slots_[place(slot.name, slot.hash)] = slot;
}

void NameSet::reserve(size_t names) {
  size_t slots = 64;
  while (slots < names * 2) slots *= 2;
  if (slots > slots_.size()) grow(slots);
}

std::optional<size_t> NameSet::insert(std::string_view name, size_t number) {
  if (used_ * 2 >= slots_.size()) grow(slots_.empty() ? 64 : slots_.size() * 2);
  const uint64_t hash = hash_of(name);
  Slot& slot = slots_[place(name, hash)];
  if (slot.name.data() != nullptr) return slot.number;
  slot = {held(name), hash, number};
  ++used_;
  return std::nullopt;
}

std::optional<size_t> NameSet::find(std::string_view name) const {
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_[place(name, hash_of(name))];
  if (slot.name.data() == nullptr) return std::nullopt;
  return slot.number;
}

}  // namespace rankdx
