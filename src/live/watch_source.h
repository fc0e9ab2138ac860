// Where a watch gets its news from: log files, pods, processes of this machine. All are polled from
// one thread and feed one tracker. Times are seconds on the caller's clock.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "live/file_follower.h"
#include "live/launch_tracker.h"

namespace rankdx {

class WatchSource {
 public:
  virtual ~WatchSource() = default;
  /// Feeds what is new; true when there is more at once.
  virtual bool poll(LaunchTracker& tracker, double now_s) = 0;
  /// Feeds what only the end makes whole.
  virtual void finish(LaunchTracker& tracker, double now_s) = 0;
  /// Whether it could be read at all.
  virtual bool seen() const = 0;
  /// Nothing more will come.
  virtual bool over() const = 0;
  virtual std::vector<Error> losses() const = 0;
};

/// Log files and directories of them.
class FileWatch final : public WatchSource {
 public:
  /// `place`: see LaunchTracker::add_source.
  explicit FileWatch(std::vector<std::string> paths, std::string place = {})
      : follower_(std::move(paths)), place_(std::move(place)) {}
  bool poll(LaunchTracker& tracker, double now_s) override;
  void finish(LaunchTracker& tracker, double now_s) override;
  bool seen() const override { return follower_.open_files() > 0; }
  bool over() const override { return false; }
  std::vector<Error> losses() const override;

 private:
  FileFollower::OnLine feeder(LaunchTracker& tracker, double now_s);

  FileFollower follower_;
  std::string place_;
  std::map<std::string, int> source_of_;
};

}  // namespace rankdx
