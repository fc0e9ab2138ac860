// The part of a line that NCCL itself prints before its message:
// host:pid:tid [device] (milliseconds) (file:line) ((function)) NCCL LEVEL
// as in debug.cc of 2.3 to 2.30.7. It is read backwards from the word NCCL, so that what stands
// before the host does not matter.
#pragma once

#include <optional>
#include <string_view>

#include "scan/envelope.h"

namespace rankdx {

struct Prefix {
  size_t begin = 0;  ///< where the host starts
  size_t nccl = 0;   ///< the word NCCL
  size_t text = 0;   ///< where the message starts
  Level level = Level::None;
  std::string_view host, file, func;
  int pid = -1, tid = -1, cuda_dev = -1;
};

/// Level::None unless "NCCL " at `nccl` is followed by one of the words INFO, WARN, TRACE, CALL,
/// ABORT.
Level level_at(std::string_view text, size_t nccl);
/// Where the message of that level starts.
size_t message_at(std::string_view text, size_t nccl, Level level);

/// The prefix around the "NCCL " at offset `nccl`, with host, pid and tid.
std::optional<Prefix> parse_prefix(std::string_view text, size_t nccl);

/// The first one at or behind offset `nccl`, which is SIZE_MAX or an occurrence of "NCCL ".
std::optional<Prefix> find_prefix(std::string_view text, size_t nccl);

/// A prefix at the very start of `text` that has lost its ids: "NCCL WARN ...", "[0] NCCL INFO
/// ...", "misc/socket.cc:12 NCCL WARN ...", "<host>:<pid>:<tid> [0] NCCL WARN ...". No host, no
/// pid.
std::optional<Prefix> parse_cut_prefix(std::string_view text);

/// True for the bare banner "NCCL version 2.21.5+cuda12.4".
bool is_banner(std::string_view text);

}  // namespace rankdx
