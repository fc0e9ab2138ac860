// The environment of the process that would run vLLM, as far as files and network depend on it: not
// always our own.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace rankdx {

class Environment {
 public:
  Environment() = default;
  explicit Environment(std::map<std::string, std::string, std::less<>> values)
      : values_(std::move(values)) {}
  static Environment of_this_process();

  /// Empty where it is not set.
  std::string get(std::string_view name) const;
  /// `otherwise` where it is not set or empty.
  std::string get_or(std::string_view name, std::string otherwise) const;
  bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
  void set(std::string name, std::string value) { values_[std::move(name)] = std::move(value); }
  /// As huggingface_hub reads switches: 1, ON, YES, TRUE in any case.
  bool is_on(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

bool is_true_word(std::string_view value);

/// HOME, else "/": what a process without one gets from most runtimes.
std::string home_of(const Environment& environment);

}  // namespace rankdx
