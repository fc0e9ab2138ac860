// The process that reads the files of a rank: forked before MPI starts, so that a crash, or the end
// by the kernel for lack of memory, costs this rank's files only. It dies with its rank. Not
// thread-safe.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "mpi/link.h"

namespace rankdx::mpi {

class Worker final : public Reader {
 public:
  using Read = std::function<ReadResult(const std::vector<InputPath>&)>;
  /// Forks; `read` runs in the child. Call before threads start.
  static Result<Worker> fork_off(const Read& read);
  Worker(Worker&& other) noexcept;
  Worker& operator=(Worker&&) = delete;
  ~Worker() override;

  void start(const Work& work) override;
  std::optional<Result<Part>> result() override;
  pid_t pid() const { return pid_; }

 private:
  Worker(pid_t pid, int to, int from) : pid_(pid), to_(to), from_(from) {}
  void send_rest();
  pid_t pid_;
  int to_, from_;
  std::string unsent_, bytes_;
};

/// "ended by signal 9" or "ended with exit code 1", of a wait status.
std::string ending_of(int status);

}  // namespace rankdx::mpi
