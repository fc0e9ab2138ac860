// The flags of a subcommand as data: what make_...() declares, written down instead of parsed. For
// the manual page and the completion of shells.
#pragma once

#include <string>
#include <vector>

#include "cli/flags.h"

namespace rankdx {

struct RecordedFlag {
  enum class Kind : uint8_t { Switch, Value, Operand, Operands, Rest };
  Kind kind = Kind::Value;
  std::vector<std::string> names;  ///< "-o", "--output"; of an operand its one name: "LOG"
  std::string value;  ///< what stands behind the flag: "TEXT", "N", "A,B"; "" for a switch
  Choices choices;    ///< when it must be one of these
  std::string help;

  bool operand() const { return kind != Kind::Switch && kind != Kind::Value; }
};

struct RecordedCommand {
  const Command* command = nullptr;
  std::vector<RecordedFlag> flags;  ///< in the order of the declaration
};

/// All commands of the table, in its order.
std::vector<RecordedCommand> recorded_commands();

/// roff for man(1).
std::string manual_page(const std::vector<RecordedCommand>& commands, std::string_view version);

/// `shell`: "bash", "zsh" or "fish". "" for another one.
std::string completion_script(const std::vector<RecordedCommand>& commands, std::string_view shell);

}  // namespace rankdx
