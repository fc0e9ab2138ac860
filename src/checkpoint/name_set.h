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
  std::optional<size_t> insert(std::string_view name, size_t number);
  std::optional<size_t> find(std::string_view name) const;
  void reserve(size_t names);
  size_t size() const { return used_; }

 private:
  struct Slot {
    std::string_view name;
    uint64_t hash = 0;
    size_t number = 0;
  };
  void grow(size_t slots);
  size_t place(std::string_view name, uint64_t hash) const;

  std::vector<Slot> slots_;  ///< a power of two; name.data() == nullptr is free
  size_t used_ = 0;
};

}  // namespace rankdx
