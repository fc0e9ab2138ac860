// What member and root know of MPI: messages to other ranks that never block, and the time. Tests
// give their own.
#pragma once

#include <optional>
#include <string>

#include "mpi/messages.h"

namespace rankdx::mpi {

struct Message {
  int from = 0;
  Kind kind = Kind::Beat;
  std::string bytes;
};

class Link {
 public:
  virtual ~Link() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Returns at once. Whether it arrives is not known: the receiver may be gone.
  virtual void send(int to, Kind kind, std::string bytes) = 0;
  /// The next message that has arrived whole.
  virtual std::optional<Message> receive() = 0;
};

/// The process that reads the files of this rank.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual void start(const Work& work) = 0;
  /// The result once it is there: a part without ranks, or why there is none ("its reading process
  /// ended by signal 9").
  virtual std::optional<Result<Part>> result() = 0;
};

/// How patient everybody is, in seconds.
struct Patience {
  double beat_s = 1;         ///< between two signs of life
  double lost_after_s = 30;  ///< without one
  /// After SIGTERM, which mpirun sends when another rank ended; SIGKILL follows a second later.
  double hurry_member_s = 0.35, hurry_root_s = 0.7;
};

}  // namespace rankdx::mpi
