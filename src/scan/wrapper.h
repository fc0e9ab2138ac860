// What launchers and log collectors put in front of a line: pods, services, actors, ranks, times,
// colour. Wrappers nest in any order; each kind is one small function in a table, chosen by its
// first byte.
#pragma once

#include <string_view>

#include "scan/envelope.h"

namespace rankdx {

/// What the wrappers of a line said. Only origin, actor, actor_pid, actor_ip, time_us and
/// label_rank of the envelope are filled.
struct Wrapped {
  Envelope envelope;
  const char* time_at =
      nullptr;           ///< the stamp that time_us was read from; a stamp with a zone wins
  bool zoned = false;    ///< that stamp had one
  bool stamped = false;  ///< the last wrapper was a time
  bool boxed = false;    ///< a box bar stands on the left: blanks and a bar end the line
};

/// Takes the wrappers off that cannot be mistaken for text. Returns where the text begins.
size_t peel_wrappers(std::string_view line, Wrapped& out);

/// The same for what is only certain because an NCCL prefix follows: `head` is all text between the
/// other wrappers and the host. Returns where it is no longer known.
size_t peel_before_prefix(std::string_view head, Wrapped& out);

/// The label of grep ("logs/rank0.log:12:"), for what is only certain because of what stands behind
/// it. Returns its length, 0 without one.
size_t peel_grep_label(std::string_view line, Wrapped& out);

/// True if `head`, which stands before a host, looks like an unknown collector's mark ("task3> ")
/// rather than like the rest of a cut line.
bool is_foreign_mark(std::string_view head);

/// The date that a text begins with, also "[2025-03-18 21:25:51,123]", unless a wrapper said it.
void read_time_of_text(std::string_view text, Wrapped& out);

/// Takes Ray's "[repeated 14x across cluster]" off the end; returns 14, or 1 without it.
uint32_t peel_repeated(std::string_view& text);

/// Takes the right bar of a box off.
void peel_box_end(std::string_view& text);

}  // namespace rankdx
