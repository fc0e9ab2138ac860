// Many literals, one pass: says which of a fixed set of texts occur in a line. Case-sensitive,
// bytes. This is the gate before every regular expression: a line without a literal hit never sees
// one.
//
// The text is looked at in steps of up to four bytes: of each literal, as many windows of four
// bytes in a row are in a table, so that one of them falls on a step. A bitmap over a hash of the
// window answers nearly all steps.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankdx {

class LiteralSet {
 public:
  LiteralSet() = default;
  /// Literals shorter than 4 bytes are refused by assert; rules demand 8. One below 7 slows all
  /// down.
  explicit LiteralSet(std::vector<std::string> literals);

  /// True if at least one literal occurs in `text`.
  bool any(std::string_view text) const;

  /// Appends the index (into the constructor's vector) of each literal that occurs in `text`, once
  /// each, ascending.
  void find(std::string_view text, std::vector<uint32_t>& hits) const;

  size_t size() const { return literals_.size(); }

 private:
  struct Window {
    uint64_t start, mask;  ///< first 8 bytes of the literal; fewer when it is shorter
    uint32_t bytes;        ///< four bytes of the literal
    uint32_t literal;      ///< index
    uint32_t offset;       ///< of the window in the literal
  };
  template <class OnHit>
  void scan(std::string_view text, OnHit&& on_hit) const;
  template <class OnHit>
  bool check(std::string_view text, size_t at, OnHit&& on_hit) const;
  void place(const std::vector<Window>& windows);
  size_t nth_hash(uint32_t hash) const;

  std::vector<std::string> literals_;
  std::vector<uint64_t> bitmap_;  ///< hashes of windows that occur
  std::vector<uint32_t> before_;  ///< how many occur before each word of the bitmap
  std::vector<Window> windows_;   ///< sorted by hash
  std::vector<uint32_t>
      first_of_;  ///< first window of the n-th hash that occurs; one more at the end
  size_t step_ = 4;
};

}  // namespace rankdx
