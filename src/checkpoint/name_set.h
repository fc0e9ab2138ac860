// Names to small numbers, without a copy of the names: tens of thousands of tensor names are looked
// up in one check. Views must stay valid. The hash is seeded per process, so that no file can be
// made to collide.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace rankdx {

class NameSet {
 public:
  /// The number under which the name already stands; else it is taken in under `number`, and
  /// nothing is returned.
  std::optional<uint32_t> insert(std::string_view name, uint32_t number);
  std::optional<uint32_t> find(std::string_view name) const;
  void reserve(size_t names);
  size_t size() const { return names_.size(); }

 private:
  /// Eight bytes, so that a table of 25,000 names stays in the second-level cache.
  struct Slot {
    uint32_t tag = 0;    ///< upper half of the hash
    uint32_t entry = 0;  ///< position in names_, plus 1; 0 is free
  };
  struct Name {
    std::string_view text;
    uint64_t hash;
    uint32_t number;
  };
  void grow(size_t slots);
  size_t place(std::string_view name, uint64_t hash) const;

  std::vector<Slot> slots_;  ///< a power of two
  std::vector<Name> names_;
};

}  // namespace rankdx
