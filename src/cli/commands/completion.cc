// rankdx completion: what a shell needs to complete commands, flags and their words.
#include <cstdio>
#include <memory>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/recorded_flags.h"

namespace rankdx {

const std::string_view kCompletionExamples =
    "  source <(rankdx completion bash)             # in ~/.bashrc; zsh likewise\n"
    "  rankdx completion fish > ~/.config/fish/completions/rankdx.fish\n";

std::function<int()> make_completion(Flags& flags) {
  auto shell = std::make_shared<std::string>();
  flags.operand("SHELL", *shell, "bash, zsh or fish");
  return [shell] {
    const std::string script = completion_script(recorded_commands(), *shell);
    if (script.empty())
      return std::fputs("rankdx: name a shell: bash, zsh or fish\n", stderr),
             static_cast<int>(kUsage);
    std::fwrite(script.data(), 1, script.size(), stdout);
    return static_cast<int>(kHealthy);
  };
}

}  // namespace rankdx
