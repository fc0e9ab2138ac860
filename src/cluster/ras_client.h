// Asks NCCL's RAS port: a few polite connections per address, each bounded in time and bytes, never
// a loop. All ranks of a host share the port, and a stopped process swallows the connections the
// kernel gives it; therefore a short handshake and new tries. Blocking calls; one object per
// thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/ras_findings.h"

namespace rankdx {

struct RasAddress {
  std::string host = "localhost";
  int port = 28028;
};

/// "host", "host:port", "[::1]:port", "::1".
Result<RasAddress> parse_ras_address(std::string_view text);

struct RasOptions {
  std::chrono::milliseconds handshake{1'000};  ///< per try: connect, then the server's first line
  int tries = 10;
  int collect_s = 5;  ///< NCCL's own time limit per leg; it adds 5 s
  std::chrono::milliseconds recheck{
      2'000};  ///< asked once more after this when somebody is missing; zero: never
  std::chrono::milliseconds total{30'000};  ///< for one address, everything together
  size_t limit_bytes = 64 << 20;
};

enum class RasForm : uint8_t { Text, Json };

/// One question. Json falls back to text on the same connection where the server is older
/// than 2.28.7.
RasReply ask_ras_once(const RasAddress& address, RasForm form, const RasOptions& options);

/// Text and JSON of every address, side by side; twice when that tells more.
std::vector<RasReply> ask_ras(const std::vector<RasAddress>& addresses, const RasOptions& options);

}  // namespace rankdx
