// Bytes of a probe connection and of its datagrams.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rankdx {

enum class ProbeKind : char { Ping = 'p', Bulk = 'b', BulkEnd = 'e', Bad = '?' };

/// Kind and two numbers in the host's byte order (all members run on like machines; another order
/// reads as nonsense and ends the connection).
struct ProbeHead {
  ProbeKind kind = ProbeKind::Bad;
  int64_t a = 0,
          b = 0;  ///< ping reply: wall clock at arrival and departure, ns; bulk: bytes that follow
};
inline constexpr size_t kHeadBytes = 17;
std::string head_text(const ProbeHead& head);
ProbeHead parse_head(std::string_view text);

int64_t wall_clock_ns();

/// A datagram of exactly `size` bytes (at least kDatagramHead): number, padding, digest of both in
/// front.
inline constexpr size_t kDatagramHead = 32 + 4;
std::string datagram(std::string_view token, uint32_t number, size_t size);
/// What the answering side sends back: the number and the size it saw, with a digest. "" when the
/// request is not ours.
std::string datagram_reply(std::string_view token, std::string_view request);
/// The number in a reply, or -1.
int64_t number_in_reply(std::string_view token, std::string_view reply);

}  // namespace rankdx
