// Which parser reads a message: by its first words (find_heads), else by its shape (shapes.cc),
// else it is only known to exist (known_heads.cc).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "events/event.h"
#include "events/nccl/cursor.h"

namespace rankdx::nccl {

/// Fills the fields of `event`, whose kind is set already (and may be changed). The cursor stands
/// behind the head. False: the message has another shape (or is cut); the event is then thrown
/// away.
using Parser = bool (*)(Cursor at, Event& event);

struct Head {
  std::string_view text;  ///< at least 4 bytes
  EventKind kind = EventKind::Other;
  Parser parse = nullptr;  ///< nullptr: the kind says all
};

/// All heads, sorted by text.
std::span<const Head> heads();

/// The heads that share the first 4 bytes of `body`, sorted: look from the last, so that the
/// longest one wins.
std::span<const Head> find_heads(std::string_view body);

/// The longest head of a group of find_heads(body) that `body` begins with, or nullptr.
const Head* longest_head(std::span<const Head> group, std::string_view body);

/// A message by its head, else by its shape. Depth counts the prefixes ("[Rank 0] ",
/// "misc/socket.cc:570 ") taken off.
bool parse_message(std::string_view body, Event& event, int depth = 0);

/// Does it begin with a head whose parser then wants more? For a body that parse_message() refused:
/// it was cut.
bool begins_like_a_message(std::string_view body);

/// Messages whose first words vary: "%s: opCount", "%s:%d -> %d", "%d coll channels", "  +
/// PCI[12.0] - ...".
bool parse_by_shape(std::string_view body, Event& event, int depth);

/// Takes "misc/socket.cc:570 " or, from 2.30.7 on, "misc/socket.cc:570 (socketWait) " off.
bool take_place(Cursor& at, std::string_view& file, std::string_view& func);

/// Is there an INFO or TRACE format in NCCL 2.4 to 2.30.7, or in a widespread plugin, that prints
/// such a text?
bool is_known_text(std::string_view body);

}  // namespace rankdx::nccl
