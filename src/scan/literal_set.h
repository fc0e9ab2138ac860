// Many literals, one pass: says which of a fixed set of texts occur in a line. Case-sensitive, bytes.
// This is the gate before every regular expression: a line without a literal hit never sees one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankdx {

class LiteralSet {
 public:
  LiteralSet() = default;
  /// Literals shorter than 4 bytes are refused by assert; rules demand 8.
  explicit LiteralSet(std::vector<std::string> literals);

  /// True if at least one literal occurs in `text`.
  bool any(std::string_view text) const;

  /// Appends the index (into the constructor's vector) of each literal that occurs in `text`, once each, ascending.
  void find(std::string_view text, std::vector<uint32_t>& hits) const;

  size_t size() const { return literals_.size(); }

 private:
  std::vector<std::string> literals_;
  std::vector<uint64_t> bitmap_;        ///< over a 16-bit hash of 4 bytes
  struct Candidate { uint32_t key; uint32_t literal; uint32_t offset; };
  std::vector<Candidate> candidates_;   ///< sorted by key (the 4 bytes)
  std::vector<uint32_t> buckets_;       ///< first candidate of a hash
};

}  // namespace rankdx
