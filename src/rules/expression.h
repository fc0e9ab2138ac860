// One RE2 expression with named captures; hides re2.h. Bytes, not UTF-8: a log line may hold
// anything.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rankdx {

class Expression {
 public:
  /// An empty pattern matches every text and captures nothing.
  explicit Expression(const std::string& pattern);
  ~Expression();
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;

  /// "" for a valid pattern.
  const std::string& error() const;
  /// The names of its captures, sorted.
  std::vector<std::string> names() const;
  /// Searches the text; fills `captures` with the named groups that took part (nothing else is
  /// touched).
  bool search(std::string_view text, std::map<std::string, std::string>& captures) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rankdx
