// What a value must look like, read from the tables' words. Values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rankdx {

enum class ValueKind : uint8_t {
  Any,     ///< nothing that a program could check
  Switch,  ///< of a flag: no value; of a variable: 0, 1, true, false
  Integer,
  Decimal,
  Size,  ///< an integer, also with k, K, m, M, g, G, t, T; "auto" or -1
  Word,
  Json,
  Path,
  Address,
  List
};

struct ValueRule {
  ValueKind kind = ValueKind::Any;
  std::vector<std::string_view> words;  ///< one of these, whatever the case
  std::optional<double> least, most;

  /// `type` and `values` as in flag-facts.tsv: "int" and ">=1", "float" and "0-1", "word" and
  /// "mp|ray".
  static ValueRule parse(std::string_view type, std::string_view values);

  /// Nothing when the value fits, else what is wrong with it: "is no integer", "is not in 1-65535".
  std::optional<std::string> complaint(std::string_view value) const;
};

}  // namespace rankdx
