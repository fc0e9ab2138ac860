// rankdx man: the manual page, from the command table.
#include <cstdio>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/recorded_flags.h"

namespace rankdx {

std::function<int()> make_man(Flags&) {
  return [] {
    const std::string page = manual_page(recorded_commands(), RANKDX_VERSION);
    std::fwrite(page.data(), 1, page.size(), stdout);
    return static_cast<int>(kHealthy);
  };
}

}  // namespace rankdx
