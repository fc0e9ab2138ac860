// A clean line to messages: wrappers off, prefix read, glued messages taken apart. The whole
// grammar, without a short cut; Scanner puts a memory of heads before it, the reference scanner
// uses nothing else.
#pragma once

#include <optional>
#include <string_view>

#include "scan/prefix.h"
#include "scan/scanner.h"
#include "scan/source_memory.h"
#include "scan/wrapper.h"

namespace rankdx {

/// One physical line on its way to the sink.
struct LineOutput {
  MessageSink& sink;
  ScanCounts& counts;
  std::string_view line;      ///< as it came, for the sink
  bool text_damaged = false;  ///< NUL bytes or broken UTF-8: each message is marked
  bool damaged = false;       ///< becomes true when a message of the line is

  void deliver(Envelope& message);
};

/// All text before a message that needs no other line to be understood. The same bytes (but for the
/// time) in front of another message mean the same.
struct WholeHead {
  size_t nccl = 0;    ///< where it ends: the "NCCL " of the message
  Envelope envelope;  ///< views into the line; without body and level
  const char* time_at = nullptr;
  bool boxed = false;
};

/// The head that ends at the "NCCL " at offset `nccl`, if it is whole for somebody who knows no
/// host.
std::optional<WholeHead> read_whole_head(std::string_view text, size_t nccl);

/// Text without an NCCL prefix with ids: level None, a bare banner, or a message whose prefix is
/// cut. `outer`: what wrappers around it said already.
enum class Speaks : uint8_t { No, Perhaps };  ///< Perhaps: it holds "NCCL "
enum class Cut : uint8_t { No, Yes };         ///< Yes: it is the rest of a line
void emit_text(std::string_view text, const Wrapped& outer, Speaks speaks, Cut cut,
               LineOutput& out);

/// A line with "NCCL " at offset `nccl`. Returns the head of its first message, if it is whole.
std::optional<WholeHead> emit_messages(std::string_view text, size_t nccl, SourceMemory& memory,
                                       LineOutput& out);

/// What belongs to the line around it and not to the message: Ray's repeat count, a box bar.
void trim_body(Envelope& message, bool boxed);

/// Where the next message begins inside the text of one, the first "NCCL " of it being at `nccl`;
/// text.size() without one.
size_t glued_at(std::string_view text, size_t nccl, const KnownHosts& hosts);

}  // namespace rankdx
