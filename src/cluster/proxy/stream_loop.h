// Bodies that arrive piece by piece: all streams of a client on one thread of its own.
#pragma once

#include <chrono>
#include <memory>

#include "cluster/api.h"

namespace rankdx::proxy {

class StreamLoop {
 public:
  StreamLoop();
  ~StreamLoop();
  /// Takes over a socket on which a GET was sent. `stall` zero: as long as it lives.
  void add(int fd, std::shared_ptr<StreamListener> listener, std::chrono::milliseconds stall);
  /// Ends all streams; their listeners have been told when it returns.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rankdx::proxy
