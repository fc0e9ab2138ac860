#include "probe/mesh/participant.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <list>
#include <set>

namespace rankdx {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kRetry = milliseconds(150);
constexpr auto kAfterwards = seconds(2);
constexpr size_t kMostGreetings = 256, kMostChildren = 1024;

/// A connection to a parent or child: messages go out in order, one coroutine writes.
struct Link {
  Link(Loop& loop, Socket s, std::string session, Channel::Side side)
      : socket(std::move(s)), channel(loop, socket.fd(), std::move(session), side), wake(loop) {}
  Socket socket;
  Channel channel;
  Signal wake;
  std::deque<std::shared_ptr<const std::string>> out;
  bool open = true, sending = false;
};

Moment after(Moment start, std::chrono::nanoseconds d) {
  return start + std::chrono::duration_cast<Clock::duration>(d);
}

}  // namespace

struct Participant::State {
  Loop& loop;
  MeshOptions options;
  MeshMember own;
  Credentials credentials;
  Responder responder;
  std::function<void(MeshOutcome)> done;

  Moment begin, join_end, end;
  Socket control;
  std::list<std::shared_ptr<Link>> children;
  std::shared_ptr<Link> parent;
  std::deque<std::shared_ptr<const std::string>> for_parent;  ///< until there is one
  std::vector<MeshMember> arrived;                            ///< at the root
  std::vector<MeshMember> plan;
  std::vector<Observation> observations;  ///< own; at the root: all
  std::set<std::string> reported;
  Signal changed;  ///< somebody arrived, reported, or the plan came
  bool root = false, finished = false;

  State(Loop& l, MeshOptions o, MeshMember m)
      : loop(l),
        options(std::move(o)),
        own(std::move(m)),
        credentials{options.token, random_hex(8)},
        responder(l, credentials),
        changed(l) {}

  void finish(MeshOutcome outcome) {
    if (finished) return;
    finished = true;
    done(std::move(outcome));
  }

  // Sending.
  Task<void> write_loop(std::shared_ptr<Link> link) {
    while (link->open) {
      if (link->out.empty()) {
        const bool woken = co_await link->wake.wait(end);
        if (!woken) co_return;
        continue;
      }
      const auto text = link->out.front();
      link->out.pop_front();
      link->sending = true;
      const int error = co_await link->channel.send(*text, end);
      link->sending = false;
      if (error != 0) link->open = false;
    }
  }
  void post(Link& link, std::shared_ptr<const std::string> text) {
    link.out.push_back(std::move(text));
    link.wake.notify();
  }
  void up(std::string text) {
    auto shared = std::make_shared<const std::string>(std::move(text));
    if (parent) {
      post(*parent, std::move(shared));
    } else {
      for_parent.push_back(std::move(shared));
    }
  }
  void down(const std::string& text) {
    const auto shared = std::make_shared<const std::string>(text);
    for (const auto& child : children) post(*child, shared);
  }

  // Messages.
  void on_hello(MeshMember member, const std::string& text) {
    if (member.id == credentials.id) {
      return finish(
          {std::nullopt, "the members form a circle: an address of the list is not unique"});
    }
    if (!root) return up(text);
    if (!plan.empty()) return;
    const auto same = [&](const MeshMember& m) { return m.id == member.id; };
    if (std::any_of(arrived.begin(), arrived.end(), same)) return;
    arrived.push_back(std::move(member));
    changed.notify();
  }
  void on_report(Message message, const std::string& text) {
    if (!root) return up(text);
    if (!reported.insert(message.id).second) return;
    for (Observation& o : message.data.observations) {
      const auto count = static_cast<int>(plan.size());
      if (o.from < 0 || o.from >= count || o.to < 0 || o.to >= count || o.address < 0) continue;
      const auto& from = plan[static_cast<size_t>(o.from)];
      const auto& to = plan[static_cast<size_t>(o.to)];
      // A member speaks for itself only.
      if (from.id != message.id || static_cast<size_t>(o.address) >= to.addresses.size()) continue;
      observations.push_back(std::move(o));
    }
    changed.notify();
  }
  void on_plan(Message message) {
    if (!plan.empty()) return;
    plan = std::move(message.data.members);
    changed.notify();
  }

  Task<void> child_loop(std::shared_ptr<Link> link) {
    while (link->open) {
      const Channel::Received received = co_await link->channel.receive(end);
      if (received.error != 0) break;
      auto message = parse_message(received.text);
      if (!message) break;
      if (message->kind == MessageKind::Hello) {
        on_hello(std::move(message->data.members.front()), received.text);
      } else if (message->kind == MessageKind::Report) {
        on_report(std::move(*message), received.text);
      }
    }
    link->open = false;
    link->wake.notify();
    children.remove(link);
  }

  // Listening.
  Task<void> accept_control() {
    while (true) {
      Socket socket = co_await accept_on(loop, control.fd(), end);
      if (!socket) co_return;
      if (greeting < kMostGreetings) loop.spawn(greet_child(std::move(socket)));
    }
  }
  size_t greeting = 0;  ///< connections that have not yet said who they are
  Task<void> greet_child(Socket socket) {
    const Moment soon = std::min(end, after(Clock::now(), seconds(5)));
    ++greeting;
    const Peer peer = co_await greet_as_server(loop, socket.fd(), credentials, soon);
    --greeting;
    if (peer.greeting != Greeting::Ok || children.size() > kMostChildren) co_return;
    if (peer.purpose == Purpose::Probe) {
      co_await answer_probes(loop, socket.fd(), soon);
      co_return;
    }
    auto link =
        std::make_shared<Link>(loop, std::move(socket), peer.session, Channel::Side::Server);
    children.push_back(link);
    loop.spawn(write_loop(link));
    co_await child_loop(link);
  }

  // Joining.
  Task<std::shared_ptr<Link>> try_parent(std::string address) {
    const auto target = SocketAddress::parse(address, options.control_port);
    if (!target) co_return nullptr;
    const Moment soon = after(Clock::now(), options.limits.connect / 2);
    Connected connected = co_await connect_to(loop, *target, soon);
    if (connected.error != 0) co_return nullptr;
    const Peer peer = co_await greet_as_client(loop, connected.socket.fd(), credentials,
                                               Purpose::Control, after(Clock::now(), seconds(2)));
    if (peer.greeting == Greeting::WrongToken) token_refused = true;
    // With a duplicate address the "other" may be this very process.
    if (peer.greeting != Greeting::Ok || peer.id == credentials.id) co_return nullptr;
    co_return std::make_shared<Link>(loop, std::move(connected.socket), peer.session,
                                     Channel::Side::Client);
  }
  bool token_refused = false;

  Task<void> find_parent() {
    // Only members of a smaller index: no circles.
    const size_t candidates =
        options.rendezvous ? 1 : static_cast<size_t>(std::max(options.self, 0));
    while (!parent && Clock::now() < join_end) {
      for (size_t i = 0; i < candidates && !parent; ++i) {
        for (const std::string& address : options.peers[i].addresses) {
          auto link = co_await try_parent(address);
          if (link) {
            parent = std::move(link);
            break;
          }
        }
      }
      if (!parent) co_await loop.until(std::min(join_end, after(Clock::now(), kRetry)));
    }
  }

  /// Everything the root says goes on to the children.
  Task<void> parent_loop() {
    const auto link = parent;
    while (true) {
      const Channel::Received received = co_await link->channel.receive(end);
      if (received.error != 0) break;
      auto message = parse_message(received.text);
      if (!message) break;
      down(received.text);
      if (message->kind == MessageKind::Plan) on_plan(std::move(*message));
      if (message->kind == MessageKind::Result) {
        co_await linger();
        co_return finish({std::move(message->data), ""});
      }
    }
    finish({std::nullopt, "the connection to the coordinating member was lost"});
  }
  /// What is queued for the children leaves before this process does.
  Task<void> linger() {
    const Moment last = after(Clock::now(), kAfterwards);
    const auto busy = [&] {
      return std::any_of(children.begin(), children.end(),
                         [](const auto& c) { return c->open && (c->sending || !c->out.empty()); });
    };
    while (busy() && Clock::now() < last) co_await loop.until(after(Clock::now(), milliseconds(2)));
  }

  // Testing.
  int own_index() const {
    for (const MeshMember& m : plan) {
      if (m.id == credentials.id) return m.index;
    }
    return -1;
  }
  struct Way {
    int to, address;
  };
  /// Others in an order that differs by member, so that not all knock at one door.
  std::vector<Way> ways(int self) const {
    std::vector<Way> out;
    const int n = static_cast<int>(plan.size());
    for (int k = 1; k < n; ++k) {
      const MeshMember& m = plan[static_cast<size_t>((self + k) % n)];
      for (size_t a = 0; a < m.addresses.size(); ++a) {
        if (m.addresses[a].tested) out.push_back({m.index, static_cast<int>(a)});
      }
    }
    return out;
  }
  Task<void> test_worker(const std::vector<Way>& all, size_t& next, size_t& running, int self) {
    while (next < all.size()) {
      const Way way = all[next++];
      const MeshMember& m = plan[static_cast<size_t>(way.to)];
      Observation o;
      o.from = self;
      o.to = way.to;
      o.address = way.address;
      co_await probe_address(loop, credentials, m.addresses[static_cast<size_t>(way.address)], m.id,
                             options.control_port, options.limits, o);
      observations.push_back(std::move(o));
    }
    --running;
    changed.notify();
  }
  Task<void> test_all() {
    const int self = own_index();
    if (self < 0) co_return;
    const std::vector<Way> all = ways(self);
    size_t next = 0, running = std::min(options.parallel, all.size());
    for (size_t i = running; i > 0; --i) loop.spawn(test_worker(all, next, running, self));
    while (running > 0) co_await changed.wait(after(Clock::now(), seconds(1)));
  }

  // Roles.
  Task<void> run_member() {
    loop.spawn(write_loop(parent));
    up(hello_text(own));
    for (auto& text : std::exchange(for_parent, {})) post(*parent, std::move(text));
    loop.spawn(parent_loop());
    while (plan.empty() && !finished && Clock::now() < end) co_await changed.wait(end);
    co_await test_all();
    up(report_text(credentials.id, observations));
    co_await loop.until(end);
    finish({std::nullopt, "no result arrived in time"});
  }

  void make_plan() {
    std::stable_sort(arrived.begin(), arrived.end(),
                     [](const MeshMember& a, const MeshMember& b) { return a.index < b.index; });
    plan = std::move(arrived);
    if (options.rendezvous) {
      std::stable_sort(plan.begin() + 1, plan.end(),
                       [](const MeshMember& a, const MeshMember& b) { return a.name < b.name; });
    } else {
      add_absent();
    }
    for (size_t i = 0; i < plan.size(); ++i) plan[i].index = static_cast<int>(i);
    const auto missing = static_cast<size_t>(std::max(options.size, 0));
    for (size_t i = plan.size(); options.rendezvous && i < missing; ++i) {
      MeshMember absent;
      absent.index = static_cast<int>(i);
      absent.name = fmt::format("member {} of {}", i + 1, options.size);
      plan.push_back(std::move(absent));
    }
  }
  /// Members of the list that never came are tried at their control port: refused says that the
  /// host is there.
  void add_absent() {
    for (size_t i = 0; i < options.peers.size(); ++i) {
      const MeshPeer& p = options.peers[i];
      const auto same = [&](const MeshMember& m) { return m.listed == p.listed; };
      if (std::any_of(plan.begin(), plan.end(), same)) continue;
      MeshMember absent;
      absent.index = static_cast<int>(i);
      absent.name = absent.listed = p.listed;
      if (!p.addresses.empty()) {
        MeshAddress a;
        a.address = p.addresses.front();
        a.tcp_port = options.control_port;
        a.tested = a.chosen = true;
        absent.addresses.push_back(std::move(a));
      }
      const auto later = [&](const MeshMember& m) { return m.index > absent.index; };
      plan.insert(std::find_if(plan.begin(), plan.end(), later), std::move(absent));
    }
  }

  Task<void> run_root() {
    root = true;
    for (const auto& text : std::exchange(for_parent, {})) {
      auto message = parse_message(*text);
      if (message && message->kind == MessageKind::Hello) {
        on_hello(std::move(message->data.members.front()), *text);
      }
    }
    arrived.push_back(own);
    while (arrived.size() < static_cast<size_t>(options.size) && Clock::now() < join_end) {
      co_await changed.wait(join_end);
    }
    make_plan();
    down(plan_text(plan));
    co_await test_all();
    reported.insert(credentials.id);
    const Moment last = after(Clock::now(), testing_time());
    const auto waiting = [&] {
      return std::any_of(plan.begin(), plan.end(), [&](const MeshMember& m) {
        return m.present() && !reported.contains(m.id);
      });
    };
    while (waiting() && Clock::now() < std::min(last, end)) {
      co_await changed.wait(std::min(last, end));
    }
    MeshData data{plan, observations, {}};
    for (const MeshMember& m : plan) {
      if (m.present() && !reported.contains(m.id)) data.silent.push_back(m.index);
    }
    down(result_text(data));
    co_await linger();
    finish({std::move(data), ""});
  }

  Task<void> run() {
    if (options.self != 0) co_await find_parent();
    if (parent) {
      co_await run_member();
    } else if (options.self != 0 && (options.rendezvous || token_refused)) {
      finish({std::nullopt, token_refused ? "the other members hold another token"
                                          : "the rendezvous cannot be reached"});
    } else {
      co_await run_root();
    }
  }

  /// Bound for one member's tests when every way of three interfaces runs into its timeouts.
  std::chrono::nanoseconds testing_time() const {
    const auto rounds = static_cast<size_t>(std::max(options.size, 0)) * 3 / options.parallel + 1;
    return (options.limits.connect + options.limits.exchange) * static_cast<int64_t>(rounds);
  }

  void open() {
    begin = Clock::now();
    // The root waits for all; the others see no result before it has tested its ways.
    join_end = after(begin, options.wait);
    end = after(join_end, testing_time() * 2 + seconds(5));
    own.id = credentials.id;
    for (MeshAddress& a : own.addresses) {
      if (a.tested && !responder.open(a)) a.tested = false;
    }
    responder.serve(end);
    const bool v6 = std::any_of(options.peers.begin(), options.peers.end(), [](const MeshPeer& p) {
      return !p.addresses.empty() && p.addresses.front().find(':') != std::string::npos;
    });
    const std::string everywhere = v6 ? "::" : "0.0.0.0";  // "::" takes IPv4 too
    const auto any = SocketAddress::parse(
        options.control_bind.empty() ? everywhere : options.control_bind, options.control_port);
    auto listener = any ? listen_on(*any) : fail(ErrorCode::Usage, "no address");
    if (listener) {
      control = std::move(*listener);
      loop.spawn(accept_control());
    } else if (!options.rendezvous || options.self == 0) {
      // Beside the root of a rendezvous the port serves only to say who is here.
      const auto known = [&](const PortTaken& p) { return p.port == options.control_port; };
      if (std::none_of(own.ports_taken.begin(), own.ports_taken.end(), known)) {
        own.ports_taken.push_back({options.control_port, listener.error().text});
      }
    }
  }
};

Participant::Participant(Loop& loop, MeshOptions options, MeshMember own)
    : state_(std::make_unique<State>(loop, std::move(options), std::move(own))) {}

Participant::~Participant() = default;

void Participant::start(std::function<void(MeshOutcome)> done) {
  state_->done = std::move(done);
  state_->open();
  state_->loop.spawn(state_->run());
}

MeshOutcome run_mesh(const MeshOptions& options, const MeshMember& own) {
  MeshOutcome outcome;
  Loop loop;
  Participant participant(loop, options, own);
  participant.start([&](MeshOutcome o) {
    outcome = std::move(o);
    loop.stop();
  });
  loop.run();
  loop.abandon();
  return outcome;
}

}  // namespace rankdx
