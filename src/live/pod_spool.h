// Logs of pods as they come, in a private folder: one file per container instance, whole lines
// only, at most half a second behind. What could not be had is kept in follow.log there, so that it
// outlives a crash too. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/pod_logs.h"

namespace rankdx {

class PodSpool final : public LogSink {
 public:
  /// One instance of a container.
  struct Part {
    std::string path;    ///< of the file
    std::string name;    ///< below the folder: "logs/pod/container.2.log"
    std::string source;  ///< as the user would say
    uint64_t lines = 0, bytes = 0;
  };
  struct Loss {
    std::string source, why;
  };

  /// Makes the folder; it must not exist.
  static Result<std::unique_ptr<PodSpool>> create(const std::string& folder);
  ~PodSpool() override;

  void on_line(const LogSource& source, std::string_view stamp, std::string_view text) override;
  void on_event(const LogSource& source, LogEvent event, std::string_view text) override;
  void on_pods(const std::vector<PodInfo>& pods) override;
  void on_pods_unknown(const Error& error) override;

  void add_loss(std::string source, std::string why);
  /// A log that was read at once; `which` becomes part of its name.
  void add_whole(const LogSource& source, const std::string& which, const std::string& text);
  /// Writes what is held back; call it twice a second.
  void flush();
  /// Flushes, and tells what could not be written at all.
  void finish();
  /// Whether every pod has ended and every log was read to its end.
  bool all_ended() const;
  std::vector<Part> parts() const;
  std::vector<Loss> losses() const;
  const std::string& folder() const { return folder_; }

 private:
  struct Open {
    Part part;
    int fd = -1;
    std::string waiting;  ///< whole lines
    uint64_t waiting_lines = 0, lost_lines = 0, written = 0;
    std::string problem;  ///< why lines were lost
    int instance = 1;
  };

  explicit PodSpool(std::string folder) : folder_(std::move(folder)) {}
  Open& of(const LogSource& source);
  void start(Open& open, const LogSource& source);
  void write(Open& open);
  void close(Open& open);
  void note(const std::string& line);

  const std::string folder_;
  mutable std::mutex mutex_;
  std::map<LogSource, Open> open_;
  std::vector<Part> done_;
  std::vector<Loss> losses_;
  std::map<std::string, std::string> refused_;  ///< of logs that gave no line
  std::map<std::string, bool> over_;
  bool pods_running_ = true;
};

}  // namespace rankdx
