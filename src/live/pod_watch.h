// The logs of pods as a watch reads them: a thread follows all of them, poll() passes on what came.
// Memory is bounded: a launch that floods is read as fast as its lines are taken.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "cluster/pod_logs.h"
#include "live/watch_source.h"

namespace rankdx {

class PodWatch final : public WatchSource, private LogSink {
 public:
  enum class Before : uint8_t { Skip, Read };
  /// Fails when the pods cannot be listed. `before`: also read what the containers wrote before
  /// their last restart.
  static Result<std::unique_ptr<PodWatch>> start(std::unique_ptr<ClusterApi> api,
                                                 const PodSelection& selection, Before before);
  ~PodWatch() override;
  bool poll(LaunchTracker& tracker, double now_s) override;
  void finish(LaunchTracker& tracker, double now_s) override;
  bool seen() const override;
  bool over() const override;
  std::vector<Error> losses() const override;

 private:
  struct Item {
    enum class Kind : uint8_t { Line, Restarted, State } kind = Kind::Line;
    std::string source;
    double age_s = 0;
    std::string text;
    SourceState state;
  };

  PodWatch(std::unique_ptr<ClusterApi> api, const PodSelection& selection);
  void follow(std::vector<PodInfo> pods, Before before);
  void read_before(const PodInfo& pod, const ContainerInfo& container);
  void on_line(const LogSource& source, std::string_view stamp, std::string_view text) override;
  void on_event(const LogSource& source, LogEvent event, std::string_view text) override;
  void on_pods(const std::vector<PodInfo>& pods) override;
  void on_pods_unknown(const Error& error) override;
  void push(Item item);

  std::unique_ptr<ClusterApi> api_;
  PodSelection selection_;
  mutable std::mutex mutex_;
  std::condition_variable taken_;
  std::deque<Item> items_;
  size_t waiting_bytes_ = 0;
  std::map<std::string, Error> losses_;
  std::map<std::string, SourceState> states_;
  std::map<std::string, bool> over_;  ///< each log that is followed
  std::map<std::string, int> source_of_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

/// "Running", "ImagePullBackOff", and how it ended.
SourceState state_of(const ContainerInfo& container);

}  // namespace rankdx
