#include "probe/mesh/loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace rankdx {

/// The frame around a spawned task: registered as long as it lives, and gone when it ends.
struct Loop::Detached {
  struct promise_type {
    promise_type(Loop& l, Task<void>&) : loop(l) {}
    ~promise_type() {
      loop.roots_.erase(std::coroutine_handle<promise_type>::from_promise(*this).address());
    }
    Detached get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
    Loop& loop;
  };
  std::coroutine_handle<promise_type> handle;
};

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

Loop::~Loop() {
  abandon();
  close(epoll_);
}

void Loop::abandon() {
  runnable_.clear();
  while (!roots_.empty()) std::coroutine_handle<>::from_address(*roots_.begin()).destroy();
}

Loop::Detached Loop::run_detached(Task<void> task) { co_await task; }

void Loop::spawn(Task<void> task) {
  const auto handle = run_detached(std::move(task)).handle;
  roots_.insert(handle.address());
  handle.resume();
}

Loop::Wait Loop::ready(int fd, Interest interest, Moment deadline) {
  return Wait(*this, fd, interest, deadline);
}

Loop::Wait Loop::until(Moment moment) { return Wait(*this, -1, Interest::Read, moment); }

bool Loop::Wait::await_suspend(std::coroutine_handle<> handle) {
  handle_ = handle;
  if (fd_ >= 0) {
    epoll_event event{};
    event.events = (interest_ == Interest::Read ? EPOLLIN | EPOLLRDHUP : EPOLLOUT) | EPOLLONESHOT;
    event.data.ptr = this;
    // A descriptor that cannot be watched counts as ready: the next call on it tells why.
    if (epoll_ctl(loop_.epoll_, EPOLL_CTL_ADD, fd_, &event) != 0) return ready_ = true, false;
    ++loop_.sockets_;
  }
  if (signal_ != nullptr) signal_->waiters_.push_back(this);
  timer_ = loop_.timers_.emplace(deadline_, this);
  waiting_ = true;
  return true;
}

void Loop::Wait::leave() {
  if (!waiting_) return;
  waiting_ = false;
  loop_.timers_.erase(timer_);
  if (fd_ >= 0) {
    epoll_ctl(loop_.epoll_, EPOLL_CTL_DEL, fd_, nullptr);
    --loop_.sockets_;
  }
  if (signal_ != nullptr) std::erase(signal_->waiters_, this);
}

void Loop::Wait::finish(Outcome outcome) {
  leave();
  ready_ = outcome == Outcome::Ready;
  loop_.runnable_.push_back(handle_);
}

void Loop::fire_timers() {
  const Moment now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    timers_.begin()->second->finish(Wait::Outcome::Late);
  }
}

int Loop::next_timeout_ms() const {
  if (!runnable_.empty()) return 0;
  if (timers_.empty()) return -1;
  const auto left = timers_.begin()->first - Clock::now();
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::clamp<int64_t>(ms, 0, 1000));
}

void Loop::run() {
  stopped_ = false;
  std::array<epoll_event, 128> events;
  while (!stopped_ && (!timers_.empty() || !runnable_.empty())) {
    const int n = epoll_wait(epoll_, events.data(), events.size(), next_timeout_ms());
    for (int i = 0; i < n; ++i) {
      auto* wait = static_cast<Wait*>(events[static_cast<size_t>(i)].data.ptr);
      wait->finish(Wait::Outcome::Ready);
    }
    fire_timers();
    // A coroutine destroys only itself and its children, none of which is runnable besides.
    for (const auto handle : std::exchange(runnable_, {})) {
      if (!stopped_) handle.resume();
    }
  }
}

void Signal::notify() {
  for (Loop::Wait* wait : std::exchange(waiters_, {})) wait->finish(Loop::Wait::Outcome::Ready);
}

}  // namespace rankdx
