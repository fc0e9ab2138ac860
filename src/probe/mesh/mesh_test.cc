// Members of one process and one loop on loopback addresses; handshake, messages.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/text.h"
#include "probe/mesh/judge.h"
#include "probe/mesh/participant.h"
#include "probe/mesh/probe_wire.h"

namespace rankdx {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Long enough for any machine: what is waited for ends by itself.
constexpr milliseconds kAmple = seconds(120);

Moment soon(milliseconds d = kAmple) { return Clock::now() + d; }

/// Two ends of a connection.
struct Pair {
  Socket a, b;
  Pair() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    a = Socket(fds[0]);
    b = Socket(fds[1]);
  }
};

Task<void> keep_server(Loop& loop, Pair& pair, const Credentials& own, Peer& out) {
  out = co_await greet_as_server(loop, pair.a.fd(), own, soon());
  if (out.greeting != Greeting::Ok) pair.a = Socket();
}
Task<void> keep_client(Loop& loop, int fd, const Credentials& own, Peer& out, milliseconds d) {
  out = co_await greet_as_client(loop, fd, own, Purpose::Probe, soon(d));
}
Task<void> sleep(Loop& loop, milliseconds d, std::string& log, char mark) {
  co_await loop.until(soon(d));
  log += mark;
}
Task<void> wait_for(Signal& signal, std::string& log, milliseconds d) {
  const bool woken = co_await signal.wait(soon(d));
  log += woken ? 'w' : 'l';
}
Task<void> notify(Loop& loop, Signal& signal) {
  co_await loop.until(soon(milliseconds(5)));
  signal.notify();
}

TEST(MeshLoop, TimersSignalsAndAbandonedCoroutines) {
  std::string log;
  Loop loop;
  Signal signal(loop);
  loop.spawn(sleep(loop, milliseconds(800), log, 'c'));
  loop.spawn(sleep(loop, milliseconds(0), log, 'a'));
  loop.spawn(sleep(loop, milliseconds(400), log, 'b'));
  loop.spawn(wait_for(signal, log, kAmple));
  loop.spawn(notify(loop, signal));
  loop.run();
  EXPECT_EQ(log, "awbc");
  loop.spawn(wait_for(signal, log, milliseconds(1)));
  loop.run();
  EXPECT_EQ(log, "awbcl");
  loop.spawn(sleep(loop, seconds(100), log, 'x'));
  loop.abandon();
  loop.run();
  EXPECT_EQ(log, "awbcl");
}

TEST(MeshHandshake, OnlyHoldersOfTheToken) {
  struct Case {
    std::string server, client;
    Greeting at_server, at_client;
  };
  const Case cases[] = {
      {"one token", "one token", Greeting::Ok, Greeting::Ok},
      {"one token", "another", Greeting::WrongToken, Greeting::WrongToken},
  };
  for (const Case& c : cases) {
    Loop loop;
    Pair pair;
    Peer server, client;
    const Credentials a{c.server, "aaaaaaaaaaaaaaaa"}, b{c.client, "bbbbbbbbbbbbbbbb"};
    loop.spawn(keep_server(loop, pair, a, server));
    loop.spawn(keep_client(loop, pair.b.fd(), b, client, kAmple));
    loop.run();
    EXPECT_EQ(server.greeting, c.at_server);
    EXPECT_EQ(client.greeting, c.at_client);
    if (c.at_server != Greeting::Ok) continue;
    EXPECT_EQ(server.id, b.id);
    EXPECT_EQ(client.id, a.id);
    EXPECT_EQ(server.session, client.session);
  }
}

TEST(MeshHandshake, Strangers) {
  struct Case {
    std::string says;
    bool closes;
    Greeting greeting;
  };
  const Case cases[] = {
      {"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", false, Greeting::Foreign},
      {"", false, Greeting::Silent},
      {"", true, Greeting::Closed},
      {"RDX1", true, Greeting::Closed},
  };
  for (const Case& c : cases) {
    Loop loop;
    Pair pair;
    Peer client;
    EXPECT_EQ(send(pair.a.fd(), c.says.data(), c.says.size(), 0), ssize_t(c.says.size()));
    if (c.closes) pair.a = Socket();
    const Credentials own{"one token", "bbbbbbbbbbbbbbbb"};
    const bool waits = c.greeting == Greeting::Silent;
    loop.spawn(keep_client(loop, pair.b.fd(), own, client, waits ? milliseconds(20) : kAmple));
    loop.run();
    EXPECT_EQ(client.greeting, c.greeting) << c.says;
  }
}

Task<void> send_text(Channel& channel, std::string text) { co_await channel.send(text, soon()); }
Task<void> keep_text(Channel& channel, Channel::Received& out) {
  out = co_await channel.receive(soon());
}

TEST(MeshChannel, TamperedReplayedAndOversizedFramesAreRefused) {
  Loop loop;
  Pair pair;
  Channel client(loop, pair.a.fd(), "session", Channel::Side::Client);
  Channel server(loop, pair.b.fd(), "session", Channel::Side::Server);
  Channel::Received got;
  loop.spawn(send_text(client, "hello"));
  loop.spawn(keep_text(server, got));
  loop.run();
  EXPECT_EQ(got.text, "hello");
  EXPECT_EQ(got.error, 0);
  // A second channel that starts again at number 0 replays.
  Channel replay(loop, pair.a.fd(), "session", Channel::Side::Client);
  loop.spawn(send_text(replay, "hello"));
  loop.spawn(keep_text(server, got));
  loop.run();
  EXPECT_EQ(got.error, EBADMSG);
  std::string huge(36, '\xff');
  EXPECT_EQ(write(pair.a.fd(), huge.data(), huge.size()), ssize_t(huge.size()));
  loop.spawn(keep_text(server, got));
  loop.run();
  EXPECT_EQ(got.error, EBADMSG);
}

TEST(MeshWire, Datagrams) {
  const std::string request = datagram("token", 7, 1472);
  EXPECT_EQ(request.size(), 1472u);
  const std::string reply = datagram_reply("token", request);
  EXPECT_EQ(reply.size(), kDatagramHead);
  EXPECT_EQ(number_in_reply("token", reply), 7);
  EXPECT_EQ(datagram_reply("other", request), "");
  EXPECT_EQ(number_in_reply("token", request), -1);
  EXPECT_EQ(datagram_reply("token", "short"), "");
}

MeshMember member(int index, const std::string& address) {
  MeshMember m;
  m.index = index;
  m.name = "h" + std::to_string(index + 1);
  m.listed = address;
  m.host_key = "one machine";
  m.choice = "test";
  m.addresses = {{"lo", address, 65535, 0, 0, true, true}};
  return m;
}

struct MeshRun {
  std::vector<MeshOutcome> outcomes;
  double seconds = 0;
};

/// A loopback network of this process alone: tests that run side by side must not meet.
std::string own_network() {
  const int pid = static_cast<int>(getpid());
  return "127." + std::to_string(64 + pid / 256 % 128) + "." + std::to_string(pid % 256) + ".";
}

/// `count` members on the own network; `absent` never starts; the last one may hold `odd_token`.
MeshRun run_members(int count, int absent, milliseconds wait, const std::string& odd_token = "") {
  Loop loop;
  MeshOptions options;
  for (int i = 0; i < count; ++i) {
    const std::string address = own_network() + std::to_string(i + 1);
    options.peers.push_back({address, {address}});
  }
  options.size = count;
  options.control_port = 29611;
  options.token = "one token";
  options.wait = wait;
  options.limits.bulk_bytes = 64 << 10;
  // All members share this thread: on a busy machine one waits for the others' turns.
  options.limits.connect = options.limits.exchange = kAmple;
  MeshRun run;
  run.outcomes.resize(static_cast<size_t>(count));
  int left = count - (absent >= 0 ? 1 : 0);
  std::vector<std::unique_ptr<Participant>> members;
  for (int i = 0; i < count; ++i) {
    if (i == absent) continue;
    MeshOptions own = options;
    own.self = i;
    own.control_bind = options.peers[static_cast<size_t>(i)].listed;
    if (i == count - 1 && !odd_token.empty()) own.token = odd_token;
    members.push_back(std::make_unique<Participant>(loop, own, member(i, own.control_bind)));
  }
  const Moment start = Clock::now();
  for (size_t i = 0, m = 0; m < members.size(); ++i) {
    if (static_cast<int>(i) == absent) continue;
    members[m++]->start([&run, &left, &loop, i](MeshOutcome o) {
      run.outcomes[i] = std::move(o);
      if (--left == 0) loop.stop();
    });
  }
  loop.run();
  loop.abandon();
  run.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return run;
}

TEST(Mesh, EveryMemberLearnsTheWholeResult) {
  const MeshRun run = run_members(4, -1, kAmple);
  for (const MeshOutcome& o : run.outcomes) {
    ASSERT_TRUE(o.data.has_value()) << o.error;
    EXPECT_EQ(o.data->observations.size(), 12u);
    const MeshVerdict verdict = judge_mesh(*o.data);
    EXPECT_EQ(to_string(verdict.report.verdict), "ok") << verdict.report.summary;
    EXPECT_EQ(verdict.interface_setting, "=lo");
  }
}

TEST(Mesh, MissingMemberAndWrongToken) {
  const MeshRun missing = run_members(3, 1, seconds(2));
  ASSERT_TRUE(missing.outcomes[2].data.has_value()) << missing.outcomes[2].error;
  const CheckReport report = judge_mesh(*missing.outcomes[2].data).report;
  std::string ids;
  for (const Finding& f : report.findings) ids += f.id + " " + f.title + "; ";
  const std::string absent = own_network() + "2";
  EXPECT_EQ(ids, "node-to-node-traffic-blocked Every way to " + absent +
                     ": refused; mesh-member-missing " + absent + " never joined the mesh; ");

  const MeshRun odd = run_members(3, -1, seconds(2), "another token");
  EXPECT_EQ(odd.outcomes[2].error, "the other members hold another token");
  ASSERT_TRUE(odd.outcomes[0].data.has_value());
  const CheckReport seen = judge_mesh(*odd.outcomes[0].data).report;
  ASSERT_FALSE(seen.findings.empty());
  EXPECT_EQ(seen.findings.front().id, "mesh-token-wrong");
}

/// Of this process: what other work on the machine does not lengthen.
double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

TEST(Mesh, SixtyFourMembersInTime) {
  const double before = cpu_seconds();
  const MeshRun run = run_members(64, -1, kAmple);
  for (const MeshOutcome& o : run.outcomes) {
    ASSERT_TRUE(o.data.has_value()) << o.error;
    EXPECT_EQ(o.data->observations.size(), 64u * 63u);
  }
  EXPECT_EQ(to_string(judge_mesh(*run.outcomes[63].data).report.verdict), "ok");
  RecordProperty("wall_ms", static_cast<int>(run.seconds * 1000));
  RecordProperty("cpu_ms", static_cast<int>((cpu_seconds() - before) * 1000));
  std::printf("64 members: %.1f s, CPU %.1f s\n", run.seconds, cpu_seconds() - before);
}

TEST(MeshModel, MessagesSurviveTheWay) {
  MeshMember m = member(0, "10.0.0.1");
  m.id = "0123456789abcdef";
  m.names = {{"gpu-worker-01", {"10.0.0.1", "::1"}}};
  m.ports_taken = {{29500, "python3 (pid 7)"}};
  MeshMember n = member(1, "10.0.0.2");
  Observation o;
  o.from = 0;
  o.to = 1;
  o.status = PathStatus::Mtu;
  o.clock_offset_s = -36.5;
  o.path_mtu = 1500;
  o.answered = "x";
  const MeshData data{{m, n}, {o}, {1}};
  const std::string text = result_text(data);
  const auto back = parse_message(text);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(result_text(back->data), text);
  EXPECT_EQ(parse_message(hello_text(m))->data.members.front().names.front().addresses.size(), 2u);
  EXPECT_EQ(parse_message(report_text("me", {o}))->id, "me");
}

TEST(MeshModel, HostileMessages) {
  const std::string good = plan_text({member(0, "10.0.0.1")});
  ASSERT_TRUE(parse_message(good).has_value());
  const std::string long_name(300, 'x');
  const std::pair<const char*, std::string> cases[] = {
      {"empty", ""},
      {"no JSON", "hello"},
      {"no kind", "{}"},
      {"other kind", R"({"kind":"bye"})"},
      {"no members", R"({"kind":"plan"})"},
      {"members of a wrong type", R"({"kind":"plan","members":[7]})"},
      {"index", replace_all(good, "\"index\":0", "\"index\":5")},
      {"port", replace_all(good, "\"tcp\":0", "\"tcp\":70000")},
      {"long text", replace_all(good, "\"h1\"", "\"" + long_name + "\"")},
      {"hello without member", R"({"kind":"hello"})"},
      {"observation",
       R"({"kind":"report","id":"a","observations":[[0,1,0,99,0,0,0,null,0,0,""]]})"},
      {"short observation", R"({"kind":"report","id":"a","observations":[[0]]})"},
      {"index beyond",
       R"({"kind":"result","members":[],"observations":[[0,1,0,0,0,0,0,null,0,0,""]],"silent":[]})"},
      {"silent beyond", R"({"kind":"result","members":[],"observations":[],"silent":[3]})"},
  };
  for (const auto& [what, text] : cases) EXPECT_FALSE(parse_message(text).has_value()) << what;
}

}  // namespace
}  // namespace rankdx
