#include "cluster/pod_logs.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>

#include "base/text.h"

namespace rankdx {
namespace {

using std::chrono::milliseconds;

std::string stamp(int second, int line) {
  char out[40];
  std::snprintf(out, sizeof out, "2026-11-22T12:24:%02d.%09dZ", second, line);
  return out;
}

/// "12.003 text": a line of second 12.
std::string line(int second, int number, const std::string& text) {
  return stamp(second, number) + " " + text + "\n";
}

/// A server that plays a script: one entry per stream that is opened, and what the pod looks like
/// before each.
struct Scripted : ClusterApi {
  struct Part {
    std::string pod, bytes;
    StreamEnd end;
    std::string previous;
  };
  std::deque<Part> script;
  std::vector<std::string> paths;

  static std::string pod(const char* state, int restarts, const char* phase = "Running",
                         const char* uid = "u1") {
    return std::string(R"({"metadata":{"name":"p","namespace":"n","uid":")") + uid +
           R"("},"spec":{"restartPolicy":"Always","containers":[{"name":"c"}]},"status":{"phase":")" +
           phase + R"(","containerStatuses":[{"name":"c","restartCount":)" +
           std::to_string(restarts) + R"(,"state":{")" + state + R"(":{}}}]}})";
  }
  Result<ApiReply> get(const std::string& path, milliseconds) override {
    if (path.find("previous=true") != std::string::npos)
      return ApiReply{200, script.front().previous, ""};
    if (script.empty()) return ApiReply{404, "{}", ""};
    return ApiReply{200, script.front().pod, ""};
  }
  Result<ApiReply> post(const std::string&, const std::string&, milliseconds) override {
    return fail(ErrorCode::Internal, "unused");
  }
  Result<ApiReply> patch(const std::string&, const std::string&, milliseconds) override {
    return fail(ErrorCode::Internal, "unused");
  }
  ExecReply exec(const ExecRequest&) override { return {}; }
  void stream(const std::string& path, std::shared_ptr<StreamListener> listener,
              milliseconds) override {
    paths.push_back(path);
    const Part part = script.front();
    script.pop_front();
    for (size_t at = 0; at < part.bytes.size(); at += 7)
      listener->on_data(std::string_view(part.bytes).substr(at, 7));
    listener->on_end(part.end, part.end == StreamEnd::Refused ? 400 : 200,
                     part.end == StreamEnd::Refused ? "waiting to start" : "broke");
  }
  void stop_streams() override {}
  std::string way() const override { return "script"; }
  std::string default_namespace() const override { return "n"; }
};

struct Collected : LogSink {
  std::string lines, events;
  void on_line(const LogSource&, std::string_view, std::string_view text) override {
    lines += std::string(text) + " ";
  }
  void on_event(const LogSource&, LogEvent event, std::string_view text) override {
    constexpr const char* kNames[] = {"attached",  "lost",  "gap",    "repeats",
                                      "restarted", "ended", "refused"};
    if (event == LogEvent::Attached) return;
    events += std::string(events.empty() ? "" : "; ") + kNames[static_cast<int>(event)] + " " +
              std::string(text.substr(0, 40));
  }
};

Collected followed(Scripted& api) {
  Collected sink;
  FollowOptions options;
  options.retry = milliseconds(1);
  LogFollower follower(api, {{"n", "p", "c"}}, sink, options);
  follower.run(std::atomic<bool>(false));
  return sink;
}

const std::string kRunning = Scripted::pod("running", 0),
                  kDone = Scripted::pod("terminated", 0, "Succeeded");

TEST(LogFollower, a_cut_connection_is_resumed_without_loss_and_without_repetition) {
  Scripted api;
  api.script = {
      {kRunning, line(1, 1, "a") + line(1, 2, "b") + line(2, 1, "c") + stamp(2, 2).substr(0, 9),
       StreamEnd::Cut, ""},
      {kRunning, line(2, 1, "c") + line(2, 2, "d") + line(3, 1, "e"), StreamEnd::Cut, ""},
      {kDone, line(3, 1, "e") + line(3, 2, "f"), StreamEnd::Complete, ""}};
  const Collected got = followed(api);
  EXPECT_EQ(got.lines, "a b c d e f ");
  EXPECT_EQ(got.events,
            "lost broke; repeats 1 lines were sent again and dropped; lost broke; repeats 1 lines "
            "were sent again and dropped; ended the pod is gone");
  EXPECT_NE(api.paths[1].find("sinceTime=2026-11-22T12%3A24%3A02Z"), std::string::npos)
      << api.paths[1];
}

TEST(LogFollower, lines_that_were_rotated_away_while_disconnected_are_a_gap) {
  Scripted api;
  api.script = {{kRunning, line(1, 1, "a") + line(1, 2, "b"), StreamEnd::Cut, ""},
                {kDone, line(9, 1, "x") + line(9, 2, "y"), StreamEnd::Complete, ""}};
  const Collected got = followed(api);
  EXPECT_EQ(got.lines, "a b x y ");
  EXPECT_NE(got.events.find("gap lines between"), std::string::npos) << got.events;
}

TEST(LogFollower, a_rotation_in_mid_stream_skips_and_repeats) {
  Scripted api;
  api.script = {{kDone,
                 line(1, 1, "a") + line(1, 2, "b") + line(7, 1, "x") + line(7, 2, "y") +
                     line(7, 1, "x") + line(7, 2, "y") + line(7, 3, "z"),
                 StreamEnd::Complete, ""}};
  const Collected got = followed(api);
  EXPECT_EQ(got.lines, "a b x y z ");
  EXPECT_NE(got.events.find("gap the node rotated its log"), std::string::npos) << got.events;
}

TEST(LogFollower, a_restart_brings_the_rest_of_the_old_log_and_then_the_new_one) {
  Scripted api;
  api.script = {{kRunning, line(1, 1, "a") + line(1, 2, "b"), StreamEnd::Cut, ""},
                {Scripted::pod("running", 1), line(5, 1, "new"), StreamEnd::Complete,
                 line(1, 2, "b") + line(1, 3, "last words")},
                {Scripted::pod("terminated", 1, "Failed"), "", StreamEnd::Complete, ""}};
  const Collected got = followed(api);
  EXPECT_EQ(got.lines, "a b last words new ");
  EXPECT_NE(got.events.find("restarted restart 1"), std::string::npos) << got.events;
}

TEST(LogFollower, a_container_that_is_not_there_yet_is_waited_for) {
  Scripted api;
  api.script = {{Scripted::pod("waiting", 0, "Pending"), "", StreamEnd::Refused, ""},
                {Scripted::pod("waiting", 0, "Pending"), "", StreamEnd::Refused, ""},
                {kDone, line(1, 1, "a"), StreamEnd::Complete, ""}};
  const Collected got = followed(api);
  EXPECT_EQ(got.lines, "a ");
  EXPECT_EQ(got.events, "refused waiting to start; ended the pod is gone");
}

TEST(PodLogs, timestamps) {
  struct Case {
    std::string line, expected;
  };
  const std::vector<Case> cases = {
      {"2026-11-22T12:24:56.123456789Z NCCL INFO", "2026-11-22T12:24:56.123456789Z|NCCL INFO"},
      {"2026-11-22T12:24:56Z x", "2026-11-22T12:24:56Z|x"},
      {"2026-11-22T12:24:56.1+01:00 x", "2026-11-22T12:24:56.1+01:00|x"},
      {"2026-11-22T12:24:56.123456789Z ", "2026-11-22T12:24:56.123456789Z|"},
      {"2026-11-22 12:24:56 x", "|2026-11-22 12:24:56 x"},
      {"2026-11-22T12:24", "|2026-11-22T12:24"},
      {"", "|"}};
  for (const Case& c : cases) {
    std::string scratch;
    const StampedLine part = split_stamp(c.line, scratch);
    EXPECT_EQ(std::string(part.stamp) + "|" + std::string(part.text), c.expected);
  }
  EXPECT_EQ(stamp_ns("1970-01-01T00:00:01.5Z"), 1'500'000'000);
  EXPECT_EQ(stamp_ns("2026-11-22T13:24:56+01:00"), stamp_ns("2026-11-22T12:24:56Z"));
  EXPECT_EQ(stamp_ns("2026-11-22"), std::nullopt);
}

TEST(PodLogs, timestamps_inside_long_lines_are_taken_out) {
  const std::string s = "2026-11-22T12:24:56.123456789Z ", chunk(16384, 'a');
  std::string scratch;
  EXPECT_EQ(split_stamp(s + chunk + s + chunk + s + "end", scratch).text, chunk + chunk + "end");
  EXPECT_EQ(split_stamp(s + chunk + "no stamp", scratch).text, chunk + "no stamp");
}

}  // namespace
}  // namespace rankdx
