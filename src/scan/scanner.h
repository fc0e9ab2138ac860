// Physical lines to messages. One Scanner per source: it remembers the prefixes it has seen, so
// that the usual line costs one search for "NCCL " and one look-up. Not thread-safe; one per
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "scan/envelope.h"

namespace rankdx {

struct SourceMemory;

/// Receives the messages of a line. The envelope's views live until the callback returns.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  /// `line` is the whole physical line (without the newline), for evidence.
  virtual void on_message(const Envelope& message, std::string_view line) = 0;
};

struct ScanCounts {
  uint64_t lines = 0;          ///< physical lines
  uint64_t nccl_lines = 0;     ///< messages with an NCCL prefix (also a cut one), and banners
  uint64_t damaged_lines = 0;  ///< lines with glued or cut messages, NUL bytes or invalid UTF-8
};

class Scanner {
 public:
  Scanner();
  ~Scanner();
  Scanner(Scanner&&) noexcept;
  Scanner& operator=(Scanner&&) noexcept;

  /// Scans one physical line (no '\n'; a final '\r' is dropped; text before an inner '\r' that a
  /// progress bar overwrote is dropped). Calls the sink once per message, also for non-NCCL text
  /// (level None), but not for blank lines.
  void scan_line(std::string_view line, MessageSink& sink);

  const ScanCounts& counts() const;
  /// What it remembers of the source: for who reads some of its lines elsewhere (PlainScanner).
  SourceMemory& memory();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rankdx
