// One event loop of one thread: coroutines that wait for sockets, signals or a moment. Why not
// Asio: docs/decisions/0041. Loop owns every spawned coroutine and destroys those still waiting
// when it ends; a Task owns its coroutine until then.
#pragma once

#include <chrono>
#include <coroutine>
#include <exception>
#include <map>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

namespace rankdx {

using Clock = std::chrono::steady_clock;
using Moment = Clock::time_point;

template <class T>
class Task;

namespace task_detail {

struct PromiseBase {
  std::coroutine_handle<> next;  ///< who awaits this coroutine
  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Final {
    bool await_ready() noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
      const auto next = self.promise().next;
      return next ? next : std::noop_coroutine();
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { std::terminate(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  void return_value(T v) { value.emplace(std::move(v)); }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() noexcept {}
  void take() noexcept {}
};

}  // namespace task_detail

/// A coroutine that runs when it is awaited.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = task_detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle_.promise().next = awaiting;
    return handle_;
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  Handle handle_;
};

template <class T>
Task<T> task_detail::Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> task_detail::Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

enum class Interest : uint8_t { Read, Write };
class Signal;

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Starts a coroutine that nobody awaits. `task` begins at once.
  void spawn(Task<void> task);
  /// Runs until stop() or until nothing waits any more.
  void run();
  void stop() { stopped_ = true; }
  /// Destroys everything that waits; what those coroutines refer to must still be there.
  void abandon();

  /// co_await: true when the socket is ready, false at the deadline. One waiter per socket.
  class Wait;
  Wait ready(int fd, Interest interest, Moment deadline);
  Wait until(Moment moment);

 private:
  friend class Signal;
  struct Detached;
  Detached run_detached(Task<void> task);
  void fire_timers();
  int next_timeout_ms() const;

  int epoll_ = -1;
  bool stopped_ = false;
  std::multimap<Moment, Wait*> timers_;
  std::vector<std::coroutine_handle<>> runnable_;
  std::unordered_set<void*> roots_;
  size_t sockets_ = 0;  ///< waits for sockets
};

class Loop::Wait {
 public:
  Wait(Loop& loop, int fd, Interest interest, Moment deadline)
      : loop_(loop), fd_(fd), interest_(interest), deadline_(deadline) {}
  Wait(Loop& loop, Signal& signal, Moment deadline)
      : loop_(loop), signal_(&signal), deadline_(deadline) {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() { leave(); }
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> handle);
  bool await_resume() const noexcept { return ready_; }

 private:
  friend class Loop;
  friend class Signal;
  enum class Outcome : uint8_t { Ready, Late };
  void finish(Outcome outcome);
  void leave();

  Loop& loop_;
  int fd_ = -1;
  Interest interest_ = Interest::Read;
  Signal* signal_ = nullptr;
  Moment deadline_;
  std::coroutine_handle<> handle_;
  std::multimap<Moment, Wait*>::iterator timer_;
  bool waiting_ = false, ready_ = false;
};

/// Wakes everybody who waits for it; must outlive them.
class Signal {
 public:
  explicit Signal(Loop& loop) : loop_(loop) {}
  void notify();
  Loop::Wait wait(Moment deadline) { return Loop::Wait(loop_, *this, deadline); }

 private:
  friend class Loop::Wait;
  Loop& loop_;
  std::vector<Loop::Wait*> waiters_;
};

}  // namespace rankdx
