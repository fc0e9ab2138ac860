#include "rules/expression.h"

#include <re2/re2.h>

namespace rankdx {
namespace {

RE2::Options options() {
  RE2::Options o;
  o.set_encoding(RE2::Options::EncodingLatin1);
  o.set_log_errors(false);
  o.set_max_mem(4 << 20);
  return o;
}

}  // namespace

struct Expression::Impl {
  RE2 re;
  bool empty;
  std::vector<re2::StringPiece> groups;  ///< scratch of search()
  explicit Impl(const std::string& pattern) : re(pattern, options()), empty(pattern.empty()) {
    if (re.ok()) groups.resize(1 + re.NumberOfCapturingGroups());
  }
};

Expression::Expression(const std::string& pattern) : impl_(std::make_unique<Impl>(pattern)) {}
Expression::~Expression() = default;
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;

const std::string& Expression::error() const { return impl_->re.error(); }

std::vector<std::string> Expression::names() const {
  std::vector<std::string> list;
  for (const auto& [name, index] : impl_->re.NamedCapturingGroups()) list.push_back(name);
  return list;
}

bool Expression::search(std::string_view text, std::map<std::string, std::string>& captures) const {
  if (impl_->empty) return true;
  auto& groups = impl_->groups;
  const re2::StringPiece input(text.data(), text.size());
  if (!impl_->re.ok() || !impl_->re.Match(input, 0, input.size(), RE2::UNANCHORED, groups.data(),
                                          static_cast<int>(groups.size()))) {
    return false;
  }
  for (const auto& [name, index] : impl_->re.NamedCapturingGroups()) {
    if (groups[index].data())
      captures[name] = std::string(groups[index].data(), groups[index].size());
  }
  return true;
}

}  // namespace rankdx
