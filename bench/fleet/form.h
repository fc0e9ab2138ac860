// The lines of one NCCL release, read from forms/*.txt: literal text with fields, in phases.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rankdx::fleet {

struct Slot;  ///< fields.h
/// Adds the text of a field.
using Field = void (*)(const Slot& slot, std::string& out);

enum class Only : uint8_t { Always, Algo, Ib, IfName, Member, P2pOff, Rank0, Root, Socket };
enum class Each : uint8_t { Once, Channel, Peer, Receive, Send, Shm, Try };

/// Literal text and the field behind it.
struct Piece {
  std::string text;
  Field field = nullptr;  ///< none at the end of a line
};

struct FormLine {
  std::vector<std::string> subsystems;  ///< "*": always
  Only only = Only::Always;
  Each each = Each::Once;
  std::vector<Piece> pieces;
};

struct Phase {
  std::string name;
  std::vector<FormLine> lines;
};

struct Form {
  std::vector<Phase> phases;  ///< in the order of the file
  const Phase* find(std::string_view name) const;
};

/// `subsystems`: those that are on; the lines of others are left out. "ALL" stands for all.
Result<Form> parse_form(std::string_view text, const std::vector<std::string>& subsystems);
Result<Form> load_form(const std::string& path, const std::vector<std::string>& subsystems);

}  // namespace rankdx::fleet
