// The flags of one subcommand, declared as data over CLI11 (which only flags.cc includes). Each
// declaration ties a flag to a variable of the caller, who keeps it alive until the command has
// run.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rankdx {

/// What a flag's value must be one of; the first is the default unless the variable says otherwise.
using Choices = std::vector<std::string>;

class Flags {
 public:
  virtual ~Flags() = default;
  /// `names` as CLI11 writes them: "-o,--output". A switch without a value.
  virtual void on(std::string names, bool& value, std::string help) = 0;
  virtual void text(std::string names, std::string& value, std::string help) = 0;
  /// Also bare counts: a value that is no integer, or outside [least, most], is a usage error.
  virtual void number(std::string names, int64_t& value, int64_t least, int64_t most,
                      std::string help) = 0;
  virtual void number(std::string names, std::optional<int64_t>& value, int64_t least, int64_t most,
                      std::string help) = 0;
  virtual void decimal(std::string names, std::optional<double>& value, std::string help) = 0;
  virtual void choice(std::string names, std::string& value, Choices choices, std::string help) = 0;
  /// May be given several times; each may hold several values separated by commas.
  virtual void list(std::string names, std::vector<std::string>& values, std::string help) = 0;
  /// Operands. `name` is shown in the help: "LOG".
  virtual void operand(std::string name, std::string& value, std::string help) = 0;
  virtual void operands(std::string name, std::vector<std::string>& values, std::string help) = 0;
  /// Everything from the first operand on, untouched: the command line of a child.
  virtual void rest(std::string name, std::vector<std::string>& values, std::string help) = 0;
};

/// One row of the command table. `name` of two words ("model check") is a subcommand of a group.
struct Command {
  std::string_view name;
  std::string_view summary;   ///< one line
  std::string_view examples;  ///< shown under the flags; lines of "  rankdx ... # what for"
  /// Declares the flags and returns what runs with them; the returned function owns the variables
  /// and gives the exit code.
  std::function<int()> (*make)(Flags& flags);
};

struct CommandGroup {
  std::string_view name, summary;
};

/// Another spelling of a command of a group, as it is typed: "check --live".
struct CommandAlias {
  std::string_view group, spelling, command;
};

/// A program and its commands.
struct Program {
  std::string name, title;
  std::vector<CommandGroup> groups;
  std::vector<Command> commands;
};

/// Parses the command line and runs what it asks for; never throws. Returns the exit code.
int run_program(const Program& program, int argc, char** argv);

/// Sorted as they are shown (commands.cc).
const std::vector<Command>& commands();
const std::vector<CommandGroup>& command_groups();
const std::vector<CommandAlias>& command_aliases();

}  // namespace rankdx
