#include "checkpoint/environment.h"

#include <unistd.h>

#include "base/text.h"

namespace rankdx {

Environment Environment::of_this_process() {
  Environment environment;
  for (char** item = environ; item != nullptr && *item != nullptr; ++item) {
    std::string_view value;
    const std::string_view name = take_until(*item, '=', value);
    environment.set(std::string(name), std::string(value));
  }
  return environment;
}

std::string Environment::get(std::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? "" : it->second;
}

std::string Environment::get_or(std::string_view name, std::string otherwise) const {
  std::string value = get(name);
  return value.empty() ? std::move(otherwise) : value;
}

bool Environment::is_on(std::string_view name) const { return is_true_word(get(name)); }

bool is_true_word(std::string_view value) {
  const std::string word = lower(value);
  return word == "1" || word == "on" || word == "yes" || word == "true";
}

std::string home_of(const Environment& environment) {
  const std::string home = environment.get("HOME");
  return home.empty() ? "/" : home;
}

}  // namespace rankdx
