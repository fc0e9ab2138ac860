// Who is at the other end: both sides prove that they hold the shared token and say their names,
// before anything else is said. Nothing but 20 random bytes goes to a stranger.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "probe/mesh/loop.h"

namespace rankdx {

enum class Purpose : uint8_t { Control = 1, Probe = 2 };

/// The token and this process's id; both stay in memory only.
struct Credentials {
  std::string token;
  std::string id;  ///< random, hexadecimal, 16 characters
};

using Digest = std::array<char, 32>;
/// HMAC-SHA-256.
Digest keyed_digest(std::string_view key, std::string_view text);
bool same_digest(std::string_view a, std::string_view b);
/// `bytes` random bytes in hexadecimal.
std::string random_hex(size_t bytes);

enum class Greeting : uint8_t { Ok, Silent, Closed, Foreign, WrongToken };

struct Peer {
  Greeting greeting = Greeting::Silent;
  std::string id;
  Purpose purpose = Purpose::Probe;
  std::string session;  ///< key of this connection: both ends derive it, nobody else can
};

Task<Peer> greet_as_client(Loop& loop, int fd, const Credentials& own, Purpose purpose,
                           Moment deadline);
Task<Peer> greet_as_server(Loop& loop, int fd, const Credentials& own, Moment deadline);

/// One message behind its length and a digest of session key, direction, number and text. At most
/// kMaxFrame bytes.
inline constexpr size_t kMaxFrame = 16 << 20;

class Channel {
 public:
  enum class Side : uint8_t { Client, Server };
  Channel(Loop& loop, int fd, std::string session, Side side)
      : loop_(loop), fd_(fd), session_(std::move(session)), side_(side) {}
  /// 0 or an errno.
  Task<int> send(std::string text, Moment deadline);
  struct Received {
    int error = 0;  ///< EBADMSG: the digest is wrong or the frame too long
    std::string text;
  };
  Task<Received> receive(Moment deadline);
  int fd() const { return fd_; }

 private:
  Digest sign(Side from, uint64_t number, std::string_view text) const;

  Loop& loop_;
  int fd_;
  std::string session_;
  Side side_;
  uint64_t sent_ = 0, received_ = 0;
};

}  // namespace rankdx
