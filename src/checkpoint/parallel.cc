#include "checkpoint/parallel.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace rankdx {

void parallel_for(size_t rounds, size_t threads, const std::function<void(size_t)>& round) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < rounds; i = next++) round(i);
  };
  std::vector<std::thread> others;
  try {
    for (size_t i = 1; i < std::min(threads, rounds); ++i) others.emplace_back(work);
  } catch (const std::system_error&) {
    // The limit on processes is reached: fewer threads do it as well.
  }
  work();
  for (std::thread& t : others) t.join();
}

}  // namespace rankdx
