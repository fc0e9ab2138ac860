#include "rules/versions.h"

#include <climits>
#include <utility>

#include "base/text.h"

namespace rankdx {
namespace {

struct Parsed {
  int number = 0, parts = 0;
};

Parsed parse(std::string_view text) {
  text = text.substr(0, text.find('+'));
  Parsed v;
  int part[3] = {0, 0, 0};
  for (std::string_view word : split(text, '.')) {
    const auto value = parse_int<int>(word);
    if (!value || *value < 0 || *value > 9999 || v.parts == 3) return {};
    part[v.parts++] = *value;
  }
  if (v.parts < 2 || part[1] > 99 || part[2] > 99) return {};
  v.number = part[0] * 10000 + part[1] * 100 + part[2];
  return v;
}

/// The last version that a bound without a patch level stands for.
int upper(const Parsed& v) { return v.parts < 3 ? v.number + 99 : v.number; }

/// {least, most}; most 0 for what is no range.
std::pair<int, int> bounds(std::string_view range) {
  if (range.starts_with(">=")) {
    const Parsed v = parse(range.substr(2));
    return {v.number, v.parts ? INT_MAX : 0};
  }
  if (range.starts_with("<=")) {
    const Parsed v = parse(range.substr(2));
    return {0, v.parts ? upper(v) : 0};
  }
  std::string_view to;
  const Parsed from = parse(take_until(range, '-', to));
  const Parsed most = parse(to);
  return {from.number, from.parts && most.parts ? upper(most) : 0};
}

}  // namespace

int nccl_version_number(std::string_view text) { return parse(text).number; }

bool version_in(std::string_view range, int version) {
  if (range.empty() || version == 0) return true;
  const auto [least, most] = bounds(range);
  return least <= version && version <= most;
}

bool is_version_range(std::string_view range) { return range.empty() || bounds(range).second != 0; }

}  // namespace rankdx
