// Work that may hang for ever (a dead mount, a driver, a name server), bounded in time. Any thread.
#pragma once

#include <chrono>
#include <future>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

namespace rankdx {

/// What `work` gives, or nothing when it takes longer than `limit`: it then goes on in a thread of
/// its own, so it must own all that it uses.
template <class Work>
std::optional<std::invoke_result_t<Work>> within(std::chrono::milliseconds limit, Work work) {
  std::packaged_task<std::invoke_result_t<Work>()> task(std::move(work));
  auto value = task.get_future();
  std::thread(std::move(task)).detach();
  if (value.wait_for(limit) != std::future_status::ready) return std::nullopt;
  return value.get();
}

}  // namespace rankdx
