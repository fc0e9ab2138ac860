// The variables that a shell text sets to a fixed value, for filling in words. Used by one reader
// at a time.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "launch/document/shell.h"

namespace rankdx::lint {

class ShellValues {
 public:
  /// Replaces a word that is one variable, or text around variables, by what the script set before.
  /// A word of which some variable is not known stays as it is.
  void fill_in(ShellWord& word) const;

  /// Takes in the assignments of a command, also behind "export". `branch`: how many conditions are
  /// open around it.
  void remember(const ShellCommand& command, int branch);

 private:
  void set(const std::string& name, const ShellWord& value, int branch);

  std::map<std::string, std::string> values_;
};

}  // namespace rankdx::lint
