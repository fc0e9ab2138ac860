#include "probe/mesh/probe_wire.h"

#include <chrono>
#include <cstring>

#include "probe/mesh/handshake.h"

namespace rankdx {
namespace {

constexpr size_t kDigestBytes = 32;

/// Of label, number and size: the padding says nothing.
Digest digest_of(std::string_view token, std::string_view label, std::string_view number,
                 size_t size) {
  return keyed_digest(token, std::string(label) + std::string(number) + std::to_string(size));
}

std::string signed_text(std::string_view token, std::string_view label, std::string_view number,
                        size_t size) {
  const Digest digest = digest_of(token, label, number, size);
  std::string out(digest.data(), digest.size());
  out += number;
  out.resize(size, 'x');
  return out;
}

bool is_signed(std::string_view token, std::string_view label, std::string_view text) {
  if (text.size() < kDatagramHead) return false;
  const Digest digest = digest_of(token, label, text.substr(kDigestBytes, 4), text.size());
  return same_digest({digest.data(), digest.size()}, text.substr(0, kDigestBytes));
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
  const std::string text(reinterpret_cast<const char*>(&number), sizeof number);
  return signed_text(token, "datagram", text, std::max(size, kDatagramHead));
}

std::string datagram_reply(std::string_view token, std::string_view request) {
  if (!is_signed(token, "datagram", request)) return "";
  return signed_text(token, "reply", request.substr(kDigestBytes, 4), kDatagramHead);
}

int64_t number_in_reply(std::string_view token, std::string_view reply) {
  if (reply.size() != kDatagramHead || !is_signed(token, "reply", reply)) return -1;
  uint32_t number = 0;
  std::memcpy(&number, reply.data() + kDigestBytes, sizeof number);
  return number;
}

}  // namespace rankdx
