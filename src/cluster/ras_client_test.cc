#include "cluster/ras_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "cluster/test_recordings.h"

namespace rankdx {
namespace {

using std::chrono::milliseconds;

/// One connection of the scripted server.
struct Peer {
  int fd;
  std::string buffer;
  /// Next line without its newline; "" when the client has gone.
  std::string line() {
    while (buffer.find('\n') == std::string::npos) {
      char block[512];
      const ssize_t n = ::recv(fd, block, sizeof block, 0);
      if (n <= 0) return "";
      buffer.append(block, static_cast<size_t>(n));
    }
    const std::string out = buffer.substr(0, buffer.find('\n'));
    buffer.erase(0, out.size() + 1);
    return out;
  }
  bool say(std::string_view text) const {
    return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  /// Waits until the client closes.
  void wait_for_end() {
    char block[512];
    while (::recv(fd, block, sizeof block, 0) > 0) {
    }
  }
};

/// Serves connections one after the other; `serve` gets the number of the connection.
class Server {
 public:
  explicit Server(std::function<void(Peer&, int)> serve) : serve_(std::move(serve)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, 64), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Server() {
    stop_ = true;
    thread_.join();
    ::close(fd_);
  }
  RasAddress address() const { return {"127.0.0.1", port_}; }
  int connections() const { return count_; }

 private:
  void run() {
    while (!stop_) {
      pollfd p{fd_, POLLIN, 0};
      if (::poll(&p, 1, 20) <= 0) continue;
      Peer peer{::accept(fd_, nullptr, nullptr), ""};
      serve_(peer, count_++);
      ::close(peer.fd);
    }
  }

  std::function<void(Peer&, int)> serve_;
  std::atomic<bool> stop_{false};
  std::atomic<int> count_{0};
  int fd_ = -1, port_ = 0;
  std::thread thread_;
};

/// Speaks as NCCL does (src/ras/client_support.cc), with recorded answers.
class Replay {
 public:
  Replay(const std::string& version, const std::string& scenario, const std::string& label) {
    for (const test::Recording& r : test::recordings(version)) {
      if (r.scenario == scenario && r.label == label && (r.node == "10.244.1.15"))
        answers_.emplace(r.kind, r.body);
    }
    knows_json_ = version != "2.26.2";
  }
  void operator()(Peer& peer, int) {
    bool json = false;
    for (std::string line = peer.line(); !line.empty(); line = peer.line()) {
      if (line.starts_with("CLIENT PROTOCOL ")) {
        peer.say("SERVER PROTOCOL 2\n");
      } else if (line.starts_with("TIMEOUT ")) {
        peer.say("OK\n");
      } else if (line == "SET FORMAT json" && knows_json_) {
        json = true, peer.say("OK\n");
      } else if (line == "STATUS" || line == "VERBOSE STATUS") {
        peer.say(answers_[json ? "json" : answers_.count("verbose") ? "verbose" : "text"]);
        return;
      } else {
        peer.say("ERROR: Unknown command " + line + "\n");
      }
    }
  }

 private:
  std::map<std::string, std::string> answers_;
  bool knows_json_ = true;
};

RasOptions quick() {
  RasOptions o;
  o.handshake = milliseconds(60), o.tries = 4, o.collect_s = 1, o.recheck = milliseconds(0),
  o.total = milliseconds(900);
  return o;
}

void greet(Peer& peer) {
  peer.line();
  peer.say("SERVER PROTOCOL 2\n");
  peer.line();
  peer.say("OK\n");
  peer.line();  // STATUS
}

TEST(RasClient, recorded_answers_over_a_socket) {
  for (const std::string& version : test::recorded_versions()) {
    Server server(Replay(version, "rank_killed", "after75s"));
    const auto replies = ask_ras({server.address()}, quick());
    ASSERT_EQ(replies.size(), 2u);
    for (const RasReply& r : replies) ASSERT_TRUE(r.answer) << version << ": " << r.problem;
    EXPECT_EQ(replies[1].answer->form,
              version == "2.26.2" ? RasAnswer::Form::Text : RasAnswer::Form::Json);
    const CheckReport report = judge_ras(replies);
    ASSERT_EQ(report.findings.size(), 1u);
    EXPECT_EQ(report.findings[0].id, "rank-process-died");
    EXPECT_EQ(report.findings[0].where[0].rank, 3);
    EXPECT_EQ(report.findings[0].confidence, Confidence::Certain);
  }
}

TEST(RasClient, a_stopped_process_swallows_connections_and_another_answers) {
  Replay replay("2.28.9", "rank_stopped", "after30s");
  Server server([&](Peer& peer, int n) {
    if (n % 3 != 2) return peer.wait_for_end();
    replay(peer, n);
  });
  const RasReply reply = ask_ras_once(server.address(), RasForm::Text, quick());
  ASSERT_TRUE(reply.answer) << reply.problem;
  EXPECT_EQ(reply.swallowed, 2);
  EXPECT_EQ(judge_ras({reply}).findings[0].id, "rank-not-responding");
}

TEST(RasClient, asks_once_more_when_somebody_is_missing_and_no_more_than_that) {
  Server server(Replay("2.30.7", "rank_killed", "after12s"));
  RasOptions options = quick();
  options.recheck = milliseconds(30);
  EXPECT_EQ(ask_ras({server.address()}, options).size(), 4u);
  EXPECT_EQ(server.connections(), 4);
  Server healthy(Replay("2.30.7", "healthy_2x2_no_collective", ""));
  EXPECT_LE(ask_ras({healthy.address()}, options).size(), 2u);
}

struct Trouble {
  const char* name;
  void (*serve)(Peer&);
  RasReply::Failure failure;
  const char* says;
};

const Trouble kTroubles[] = {
    {"silent", [](Peer& p) { p.wait_for_end(); }, RasReply::Failure::Silent,
     "4 connections were taken, none was answered"},
    {"closes", [](Peer&) {}, RasReply::Failure::Silent, "none was answered"},
    {"http", [](Peer& p) { p.line(), p.say("HTTP/1.1 400 Bad Request\r\n\r\n"); },
     RasReply::Failure::Garbage, "it said \"HTTP/1.1 400 Bad Request\""},
    {"control characters", [](Peer& p) { p.line(), p.say("\x1b[31m\x01\n"); },
     RasReply::Failure::Garbage, "it said \"?[31m?\""},
    {"endless line",
     [](Peer& p) {
       while (p.say(std::string(4096, 'x'))) {
       }
     },
     RasReply::Failure::Garbage, "it sends without end"},
    {"endless answer",
     [](Peer& p) {
       greet(p);
       while (p.say(std::string(65536, 'x'))) {
       }
     },
     RasReply::Failure::Garbage, "more than 1 MiB"},
    {"refuses TIMEOUT",
     [](Peer& p) {
       p.line(), p.say("SERVER PROTOCOL 2\n"), p.line(), p.say("ERROR: no\n"), p.wait_for_end();
     },
     RasReply::Failure::Garbage, "TIMEOUT 1 was answered with \"ERROR: no\""},
    {"silent after the greeting",
     [](Peer& p) { p.line(), p.say("SERVER PROTOCOL 2\n"), p.wait_for_end(); },
     RasReply::Failure::Slow, "fell silent after the greeting"},
    {"no answer", [](Peer& p) { greet(p), p.wait_for_end(); }, RasReply::Failure::Slow,
     "no answer within the time limit"},
    {"empty answer", [](Peer& p) { greet(p); }, RasReply::Failure::Garbage,
     "closed without an answer"},
    {"garbage answer", [](Peer& p) { greet(p), p.say("hello\nworld\n"); },
     RasReply::Failure::Garbage, "is no answer of NCCL's RAS service: \"hello?world?\""},
    {"broken JSON", [](Peer& p) { greet(p), p.say("{ \"nccl_version\": "); },
     RasReply::Failure::Garbage, "is JSON that cannot be parsed"},
};

TEST(RasClient, trouble_ends_in_a_clear_message_within_the_time_limit) {
  for (const Trouble& t : kTroubles) {
    Server server([&](Peer& p, int) { t.serve(p); });
    RasOptions options = quick();
    options.limit_bytes = 1 << 20;
    const auto start = std::chrono::steady_clock::now();
    const RasReply reply = ask_ras_once(server.address(), RasForm::Text, options);
    EXPECT_LT(std::chrono::steady_clock::now() - start, options.total + milliseconds(400))
        << t.name;
    EXPECT_EQ(reply.failure, t.failure) << t.name << ": " << reply.problem;
    EXPECT_NE(reply.problem.find(t.says), std::string::npos) << t.name << ": " << reply.problem;
  }
}

TEST(RasClient, an_answer_that_does_not_end_is_used_as_far_as_it_came) {
  std::string body;
  for (const test::Recording& r : test::recordings("2.26.2")) {
    if (r.file == "rank_stopped.after0s.node1.text.txt") body = r.body;
  }
  Server server([&](Peer& p, int) { greet(p), p.say(body.substr(0, 300)), p.wait_for_end(); });
  const RasReply reply = ask_ras_once(server.address(), RasForm::Text, quick());
  ASSERT_TRUE(reply.answer);
  EXPECT_EQ(reply.answer->processes, 4);
  EXPECT_FALSE(reply.answer->whole);
  EXPECT_EQ(judge_ras({reply}).verdict, CheckStatus::Unknown);
}

TEST(RasClient, refused_and_unknown_names) {
  RasAddress nobody;
  {
    Server server([](Peer&, int) {});
    nobody = server.address();
  }
  EXPECT_EQ(ask_ras_once(nobody, RasForm::Text, quick()).failure, RasReply::Failure::Refused);
  const RasReply unknown = ask_ras_once({"no-such-host.invalid", 28028}, RasForm::Text, quick());
  EXPECT_EQ(unknown.failure, RasReply::Failure::Unreachable) << unknown.problem;
}

TEST(RasClient, addresses) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"gpu-worker-01", "gpu-worker-01 28028"},
      {"10.0.0.1:28029", "10.0.0.1 28029"},
      {"::1", "::1 28028"},
      {"[fe80::1]:5", "fe80::1 5"},
      {"h:", "-"},
      {":5", "-"},
      {"h:70000", "-"},
      {"[::1", "-"},
      {"[::1]x", "-"},
      {"", "-"}};
  for (const auto& [text, expected] : cases) {
    const auto a = parse_ras_address(text);
    EXPECT_EQ(a ? a->host + " " + std::to_string(a->port) : "-", expected) << text;
  }
}

TEST(RasClient, answers_inside_a_log) {
  std::string log =
      "gpu-worker-01:1:1 [0] NCCL INFO NCCL version 2.28.9 compiled with CUDA 13.0\nsome line\n";
  for (const test::Recording& r : test::recordings("2.28.9")) {
    if (r.scenario == "rank_killed" && r.label == "after0s") log += r.body + "another line\n";
  }
  const auto answers = find_ras_answers(log);
  ASSERT_EQ(answers.size(), 3u);
  for (const RasAnswer& a : answers) EXPECT_TRUE(a.communicators.at(0).incomplete);
}

}  // namespace
}  // namespace rankdx
