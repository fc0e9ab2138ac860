#include "probe/mesh/probe_wire.h"

#include <chrono>
#include <cstring>

#include "probe/mesh/handshake.h"

namespace rankdx {
namespace {

std::string signed_text(std::string_view token, std::string_view label, std::string_view body) {
  const Digest digest = keyed_digest(token, std::string(label) + std::string(body));
  return std::string(digest.data(), digest.size()) + std::string(body);
}

bool is_signed(std::string_view token, std::string_view label, std::string_view text) {
  if (text.size() < 32) return false;
  const Digest digest = keyed_digest(token, std::string(label) + std::string(text.substr(32)));
  return same_digest({digest.data(), digest.size()}, text.substr(0, 32));
}

}  // namespace

std::string head_text(const ProbeHead& head) {
  std::string out(kHeadBytes, static_cast<char>(head.kind));
  std::memcpy(out.data() + 1, &head.a, sizeof head.a);
  std::memcpy(out.data() + 9, &head.b, sizeof head.b);
  return out;
}

ProbeHead parse_head(std::string_view text) {
  ProbeHead head;
  if (text.size() < kHeadBytes) return head;
  head.kind = static_cast<ProbeKind>(text[0]);
  std::memcpy(&head.a, text.data() + 1, sizeof head.a);
  std::memcpy(&head.b, text.data() + 9, sizeof head.b);
  return head;
}

int64_t wall_clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string datagram(std::string_view token, uint32_t number, size_t size) {
  std::string body(reinterpret_cast<const char*>(&number), sizeof number);
  body.resize(std::max(size, kDatagramHead) - 32, 'x');
  return signed_text(token, "datagram", body);
}

std::string datagram_reply(std::string_view token, std::string_view request) {
  if (request.size() < kDatagramHead || !is_signed(token, "datagram", request)) return "";
  return signed_text(token, "reply", request.substr(32, 4));
}

int64_t number_in_reply(std::string_view token, std::string_view reply) {
  if (reply.size() != kDatagramHead || !is_signed(token, "reply", reply)) return -1;
  uint32_t number = 0;
  std::memcpy(&number, reply.data() + 32, sizeof number);
  return number;
}

}  // namespace rankdx
