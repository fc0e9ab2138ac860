#include "live/watch_source.h"

namespace rankdx {

FileFollower::OnLine FileWatch::feeder(LaunchTracker& tracker, double now_s) {
  return [this, &tracker, now_s](const std::string& path, std::string_view line, double age_s) {
    auto it = source_of_.find(path);
    if (it == source_of_.end())
      it = source_of_.emplace(path, tracker.add_source(path, place_)).first;
    tracker.feed(it->second, line, now_s - age_s);
  };
}

bool FileWatch::poll(LaunchTracker& tracker, double now_s) {
  return follower_.poll(feeder(tracker, now_s));
}

void FileWatch::finish(LaunchTracker& tracker, double now_s) {
  follower_.flush(feeder(tracker, now_s));
}

std::vector<Error> FileWatch::losses() const {
  std::vector<Error> out;
  for (const auto& [path, error] : follower_.losses()) out.push_back(error);
  return out;
}

}  // namespace rankdx
