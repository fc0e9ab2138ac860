// A loop whose rounds may wait for disks: as many threads as there are cores, and more while rounds
// turn out to be slow.
#pragma once

#include <cstddef>
#include <functional>

namespace rankdx {

/// Calls `round(0)` to `round(rounds - 1)`, each once, from up to `most_threads` threads (this one
/// among them). It begins with one per core; each round that takes over 5 ms brings one more:
/// opening files on a network file system is waiting, not work, but threads cost more than a header
/// that is in memory. `round` must not throw.
void parallel_for(size_t rounds, size_t most_threads, const std::function<void(size_t)>& round);

constexpr size_t kReaderThreads = 16;

}  // namespace rankdx
