// Values of variables that deserve a word by themselves: left over from debugging, dangerous,
// transports switched off.
#pragma once

#include <span>
#include <string_view>

namespace rankdx::lint {

enum class Mend : uint8_t { Nothing, Remove, Set };

struct SettingWarning {
  std::string_view name;
  std::string_view
      values;  ///< "1", "INFO|TRACE" in any case; "*" any; "!0" anything but; ">N" greater numbers
  std::string_view rule;
  Mend mend;
  std::string_view better;  ///< for Mend::Set
  std::string_view text;
};

/// Sorted by name.
std::span<const SettingWarning> setting_warnings();
bool setting_applies(const SettingWarning& warning, std::string_view value);

}  // namespace rankdx::lint
