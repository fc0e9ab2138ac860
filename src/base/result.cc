#include "base/result.h"

#include <fmt/format.h>

namespace rankdx {

std::string to_string(const Error& error) {
  return fmt::format("{}{}{}{}", error.place, error.place.empty() ? "" : ": ", error.text,
                     error.hint.empty() ? "" : fmt::format(" ({})", error.hint));
}

}  // namespace rankdx
