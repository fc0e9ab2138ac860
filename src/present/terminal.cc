#include "present/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/text.h"

namespace rankdx {
namespace {

constexpr int kDefaultWidth = 100, kLeastWidth = 40;
constexpr std::array<std::string_view, 7> kCodes = {"",     "1",    "2", "31;1",
                                                    "33;1", "32;1", "36"};  // in the order of Ink

}  // namespace

Colour colour_for(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool refused = (no_color && *no_color) || !term || std::string_view(term) == "dumb";
  return isatty(fd) && !refused ? Colour::Always : Colour::Never;
}

int width_of_terminal(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return std::max<int>(size.ws_col, kLeastWidth);
  const char* columns = std::getenv("COLUMNS");
  const auto width = columns ? parse_int<int>(columns) : std::nullopt;
  return width && *width > 0 ? std::clamp(*width, kLeastWidth, 1000) : kDefaultWidth;
}

std::string Paint::operator()(Ink ink, std::string_view text) const {
  if (colour_ == Colour::Never || ink == Ink::Plain || text.empty()) return std::string(text);
  std::string out = "\x1b[";
  return out.append(kCodes[static_cast<size_t>(ink)]).append("m").append(text).append("\x1b[0m");
}

}  // namespace rankdx
