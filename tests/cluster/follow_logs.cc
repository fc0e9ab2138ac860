// Follows the logs of a namespace and prints "pod/container|text" and "pod/container! event text":
// what the tests of the log follower look at. Ends when its standard input ends.
//   follow_logs KUBECTL KUBECONFIG NAMESPACE [STALL_MS]
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "cluster/pod_logs.h"

namespace {

struct Printer : rankdx::LogSink {
  void on_line(const rankdx::LogSource& source, std::string_view, std::string_view text) override {
    std::printf("%s|%.*s\n", to_string(source).c_str(), static_cast<int>(text.size()), text.data());
    std::fflush(stdout);
  }
  void on_event(const rankdx::LogSource& source, rankdx::LogEvent event,
                std::string_view text) override {
    constexpr const char* kNames[] = {"attached",  "lost",  "gap",    "repeats",
                                      "restarted", "ended", "refused"};
    std::printf("%s! %s %.*s\n", to_string(source).c_str(), kNames[static_cast<int>(event)],
                static_cast<int>(text.size()), text.data());
    std::fflush(stdout);
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  rankdx::ClusterAccess access;
  access.kubectl = argv[1], access.kubeconfig = argv[2], access.ns = argv[3];
  auto api = rankdx::connect_cluster(access);
  if (!api) return std::fprintf(stderr, "%s\n", to_string(api.error()).c_str()), 1;
  const auto pods = rankdx::list_pods(**api, {});
  if (!pods) return std::fprintf(stderr, "%s\n", to_string(pods.error()).c_str()), 1;
  Printer printer;
  rankdx::FollowOptions options;
  options.retry = std::chrono::milliseconds(50);
  if (argc > 4) options.stall = std::chrono::milliseconds(std::atoi(argv[4]));
  std::atomic<bool> stop{false};
  rankdx::LogFollower follower(**api, rankdx::log_sources(*pods), printer, options);
  // The caller says when it has seen enough.
  std::thread waiter([&] {
    while (std::getchar() != EOF) continue;
    stop = true;
  });
  follower.run(stop);
  waiter.join();
  return 0;
}
