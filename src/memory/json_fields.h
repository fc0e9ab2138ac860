// Tolerant access to a JSON object: a key that is absent, null or of another type is simply not
// there. A Fields shares the parsed document, so it is cheap to copy and outlives its parent.
// Threads may read one together.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace rankdx {

class Fields {
 public:
  /// An empty object.
  Fields();
  /// Errors: not JSON (with the byte), not an object, larger than kMostBytes.
  static Result<Fields> parse(std::string_view json, std::string_view place);
  static constexpr size_t kMostBytes = 16u << 20;

  /// Present and not null.
  bool has(std::string_view key) const;
  bool empty() const;
  /// Whole numbers within +-2^53; a list gives its first element, as configurations of several
  /// experts write it.
  std::optional<int64_t> integer(std::string_view key) const;
  /// The first of these keys that has a number.
  std::optional<int64_t> integer(std::initializer_list<std::string_view> keys) const;
  int64_t integer_or(std::initializer_list<std::string_view> keys, int64_t otherwise) const;
  std::optional<double> decimal(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::string text(std::string_view key) const;
  Fields object(std::string_view key) const;
  /// Lists are cut behind kMostElements, twice what any model has layers.
  static constexpr size_t kMostElements = 8192;
  std::vector<std::string> texts(std::string_view key) const;
  /// Elements that are no whole number become -1, so that positions stay.
  std::vector<int64_t> integers(std::string_view key) const;
  std::vector<Fields> objects(std::string_view key) const;
  std::vector<std::string> keys() const;
  /// The keys of `more` that this object lacks, taken over; this object's own values stay.
  Fields completed_by(const Fields& more) const;
  /// With the value of `from` standing under `to` as well, where `to` is not there yet.
  Fields renamed(std::initializer_list<std::pair<std::string_view, std::string_view>> names) const;
  Fields with_text(std::string_view key, std::string_view value) const;
  Fields with_object(std::string_view key, const Fields& value) const;

 private:
  struct Node;
  explicit Fields(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
  std::shared_ptr<const Node> node_;
};

}  // namespace rankdx
