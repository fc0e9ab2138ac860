// What the terminal can do, and paint for it.
#pragma once

#include <string>
#include <string_view>

namespace rankdx {

enum class Colour : uint8_t { Never, Always };

/// Colour only on a terminal, and never with NO_COLOR or TERM=dumb.
Colour colour_for(int fd);
/// Columns of the terminal behind fd; COLUMNS, else 100, where it is none. At least 40.
int width_of_terminal(int fd);

enum class Ink : uint8_t { Plain, Bold, Dim, Red, Yellow, Green, Cyan };

/// Wraps text in escape sequences, or not.
class Paint {
 public:
  explicit Paint(Colour colour) : colour_(colour) {}
  std::string operator()(Ink ink, std::string_view text) const;

 private:
  Colour colour_;
};

}  // namespace rankdx
