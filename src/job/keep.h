// How the fold of a process keeps lines and short lists.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "job/process_fold.h"

namespace rankdx {

inline KeptLine keep(const LinePlace& at) {
  return {at.number, std::string(at.text.substr(0, kMaxKeptText))};
}

template <class T>
void insert_sorted(std::vector<T>& list, T value, size_t limit) {
  auto place = std::lower_bound(list.begin(), list.end(), value);
  if (place != list.end() && *place == value) return;
  if (list.size() < limit) list.insert(place, std::move(value));
}

}  // namespace rankdx
