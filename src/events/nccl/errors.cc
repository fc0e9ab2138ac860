// Connection trouble and back-traces (misc/socket.cc, os/linux.cc, include/checks.h of NCCL).
#include "events/nccl/parsers.h"

namespace rankdx::nccl {
namespace {

/// The peer in "10.0.0.1<4321>", "fe80::1%eth0<5>" or "node-b.example<4321>", without the port; ""
/// when the word is no address ("peer with error": the name was empty).
std::string_view peer_of(std::string_view text) {
  text = text.substr(0, text.find(' '));
  const size_t port = text.rfind('<');
  if (port != std::string_view::npos) return text.substr(0, port);
  const bool address = text.find_first_of(".:") != std::string_view::npos;
  return address ? text.substr(0, text.find_last_not_of(".:,") + 1) : std::string_view();
}

/// What stands before a peer; the first one found counts.
constexpr std::string_view kBeforePeer[] = {
    "onnect to ",       // "Connect to", "connect to", all versions
    "PollConnect to ",  // "socketPollConnect to … failed", 2.27 and later
    "remote peer ",     // "Connection closed by remote peer", RAS version mismatch
    "from peer ",       // "Got completion from peer"
    "recv from ",       // "Call to recv from", 2.4 to 2.23
    "send to ",
    "Call to recv ",  // "Call to %s %s failed": the word is recv or send, 2.24 and later
    "Call to send ",
};

/// What stands before and behind the error's own text.
struct ErrorText {
  std::string_view before, behind;
};
constexpr ErrorText kErrorTexts[] = {
    {" returned ", ", exceeded"}, {" returned ", ", retrying"},
    {" failed : ", ""},           {" failed: ", ""},
    {" failed with error ", ""},  {"Call to connect timeout : ", ""},
};

std::string_view error_of(std::string_view body) {
  for (const ErrorText& e : kErrorTexts) {
    const size_t begin = body.find(e.before);
    if (begin == std::string_view::npos) continue;
    std::string_view rest = body.substr(begin + e.before.size());
    if (e.behind.empty()) return trim(rest);
    const size_t end = rest.find(e.behind);
    if (end != std::string_view::npos) return trim(rest.substr(0, end));
  }
  // "Connect to 10.0.0.1<1> returned 111(Connection refused) errno 115(…)": the socket's own error
  // comes first.
  Cursor at(body);
  int number = 0;
  std::string_view text;
  if (at.take_past(" returned ") && at.take_int(number) && at.take("(") && at.take_until(")", text))
    return text;
  return {};
}

/// Up to 2.23 the last word about a peer names only the counter that ran out (misc/socket.cc):
/// refused connections are counted as retries, timed out ones as timeouts.
std::string_view error_of_counter(std::string_view body) {
  if (body.find(": exceeded retries (") != std::string_view::npos) return "Connection refused";
  if (body.find(": exceeded timeouts (") != std::string_view::npos) return "Connection timed out";
  return {};
}

bool is_about_a_connection(std::string_view body) {
  for (std::string_view word :
       {"onnect", "Call to recv", "Call to send", "onnection", "exceeded "}) {
    if (body.find(word) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

// "socketPollConnect: connect to 10.0.0.1<4321> returned Connection refused, retrying (1/34) after
// sleep for 100 msec", 2.24 to 2.26 without "to …", up to 2.23 "Call to connect returned Connection
// refused, retrying".
bool parse_retry(Cursor at, Event& event) {
  event.kind = EventKind::ConnectRetry;
  at = Cursor(at.body());
  std::string_view call;
  if (!at.take_until(" returned ", call) || !at.take_until(", retrying", event.value)) return false;
  constexpr std::string_view kTo = "connect to ";
  const size_t to = call.find(kTo);
  if (to != std::string_view::npos) event.peer_text = peer_of(call.substr(to + kTo.size()));
  const size_t colon = call.find(": connect");
  if (colon != std::string_view::npos) event.func = call.substr(0, colon);
  return !at.take(" (") || (at.take_int(event.count) && at.take("/") && at.take_int(event.limit));
}

// "-> 6", "-> 2 (Connection refused)", "-> 3 [Async thread]"; 2.3.5 to 2.30.7 (checks.h).
bool parse_backtrace(Cursor at, Event& event) {
  event.kind = EventKind::Backtrace;
  if (!at.take("-> ") || !at.take_int(event.code)) return false;
  if (at.take(" (")) {
    const size_t end = at.rest().rfind(')');
    event.value = at.rest().substr(0, end);
    return true;
  }
  if (at.take(" [")) {
    const std::string_view rest = at.rest();
    const size_t end = rest.find(']');
    event.text = end == std::string_view::npos
                     ? std::string_view()
                     : at.body().substr(at.body().size() - rest.size() - 1, end + 2);
  }
  return true;
}

void parse_warn(std::string_view body, Event& event) {
  event.kind = EventKind::Warn;
  event.text = body;
  for (std::string_view before : kBeforePeer) {
    const size_t begin = body.find(before);
    if (begin == std::string_view::npos) continue;
    event.peer_text = peer_of(body.substr(begin + before.size()));
    break;
  }
  if (!is_about_a_connection(body)) return;
  event.value = error_of(body);
  if (event.value.empty()) event.value = error_of_counter(body);
}

}  // namespace rankdx::nccl
