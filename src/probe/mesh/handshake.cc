#include "probe/mesh/handshake.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cerrno>
#include <cstring>

#include "probe/mesh/socket.h"

namespace rankdx {
namespace {

constexpr std::string_view kMagic = "RDX1";
constexpr size_t kNonce = 16, kId = 16, kDigest = 32;

std::string nonce() {
  std::string bytes(kNonce, '\0');
  RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  return bytes;
}

std::string_view view(const Digest& d) { return {d.data(), d.size()}; }

std::string session_key(const Credentials& own, const std::string& server,
                        const std::string& client) {
  return std::string(view(keyed_digest(own.token, "session" + server + client)));
}

Greeting greeting_of(int error) { return error == ETIMEDOUT ? Greeting::Silent : Greeting::Closed; }

}  // namespace

Digest keyed_digest(std::string_view key, std::string_view text) {
  Digest out{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

bool same_digest(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string random_hex(size_t bytes) {
  std::string raw(bytes, '\0'), out;
  RAND_bytes(reinterpret_cast<unsigned char*>(raw.data()), static_cast<int>(raw.size()));
  for (const char c : raw) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

Task<Peer> greet_as_client(Loop& loop, int fd, const Credentials& own, Purpose purpose,
                           Moment deadline) {
  Peer peer;
  std::string hello(kMagic.size() + kNonce, '\0');
  int error = co_await read_all(loop, fd, hello, deadline);
  if (error != 0 || !hello.starts_with(kMagic)) {
    peer.greeting = error != 0 ? greeting_of(error) : Greeting::Foreign;
    co_return peer;
  }
  const std::string server = hello.substr(kMagic.size()), client = nonce();
  const std::string claim = static_cast<char>(purpose) + own.id;
  std::string reply = client + claim;
  reply += view(keyed_digest(own.token, "client" + server + client + claim));
  error = co_await write_all(loop, fd, reply, deadline);
  std::string answer(kId + kDigest, '\0');
  if (error == 0) error = co_await read_all(loop, fd, answer, deadline);
  if (error != 0) {
    // Our side was right so far: the server did not like the digest.
    peer.greeting = error == ECONNRESET ? Greeting::WrongToken : greeting_of(error);
    co_return peer;
  }
  peer.id = answer.substr(0, kId);
  const Digest expected = keyed_digest(own.token, "server" + client + server + peer.id);
  const bool right = same_digest(view(expected), std::string_view(answer).substr(kId));
  peer.greeting = right ? Greeting::Ok : Greeting::WrongToken;
  peer.purpose = purpose;
  peer.session = session_key(own, server, client);
  co_return peer;
}

Task<Peer> greet_as_server(Loop& loop, int fd, const Credentials& own, Moment deadline) {
  Peer peer;
  const std::string server = nonce();
  int error = co_await write_all(loop, fd, std::string(kMagic) + server, deadline);
  std::string reply(kNonce + 1 + kId + kDigest, '\0');
  if (error == 0) error = co_await read_all(loop, fd, reply, deadline);
  if (error != 0) {
    peer.greeting = greeting_of(error);
    co_return peer;
  }
  const std::string client = reply.substr(0, kNonce), claim = reply.substr(kNonce, 1 + kId);
  const Digest expected = keyed_digest(own.token, "client" + server + client + claim);
  if (!same_digest(view(expected), std::string_view(reply).substr(kNonce + 1 + kId))) {
    peer.greeting = Greeting::WrongToken;
    co_return peer;
  }
  std::string answer = own.id;
  answer += view(keyed_digest(own.token, "server" + client + server + own.id));
  error = co_await write_all(loop, fd, answer, deadline);
  peer.greeting = error == 0 ? Greeting::Ok : greeting_of(error);
  peer.purpose = static_cast<Purpose>(claim[0]);
  peer.id = claim.substr(1);
  peer.session = session_key(own, server, client);
  co_return peer;
}

Digest Channel::sign(Side from, uint64_t number, std::string_view text) const {
  std::string head = from == Side::Client ? "c" : "s";
  head.append(reinterpret_cast<const char*>(&number), sizeof number);
  return keyed_digest(session_, head + std::string(text));
}

Task<int> Channel::send(std::string text, Moment deadline) {
  if (text.size() > kMaxFrame) co_return EMSGSIZE;
  const auto size = static_cast<uint32_t>(text.size());
  std::string frame(reinterpret_cast<const char*>(&size), sizeof size);
  frame += view(sign(side_, sent_++, text));
  frame += text;
  const int error = co_await write_all(loop_, fd_, frame, deadline);
  co_return error;
}

Task<Channel::Received> Channel::receive(Moment deadline) {
  Received out;
  std::string head(sizeof(uint32_t) + kDigest, '\0');
  out.error = co_await read_all(loop_, fd_, head, deadline);
  if (out.error != 0) co_return out;
  uint32_t size = 0;
  std::memcpy(&size, head.data(), sizeof size);
  if (size > kMaxFrame) {
    out.error = EBADMSG;
    co_return out;
  }
  out.text.resize(size);
  out.error = co_await read_all(loop_, fd_, out.text, deadline);
  const Side from = side_ == Side::Client ? Side::Server : Side::Client;
  const Digest expected = sign(from, received_++, out.text);
  if (out.error == 0 && !same_digest(view(expected), std::string_view(head).substr(sizeof size))) {
    out.error = EBADMSG;
  }
  co_return out;
}

}  // namespace rankdx
