// A loop whose rounds wait for disks: several threads take the next number until none is left.
#pragma once

#include <cstddef>
#include <functional>

namespace rankdx {

/// Calls `round(0)` to `round(rounds - 1)`, each once, from up to `threads` threads (this one among
/// them). `round` must not throw.
void parallel_for(size_t rounds, size_t threads, const std::function<void(size_t)>& round);

/// More than cores: opening files on a network file system is waiting, not work.
constexpr size_t kReaderThreads = 16;

}  // namespace rankdx
