#include "write.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

namespace rankdx::fleet {
namespace {

constexpr size_t kBlock = size_t{1} << 20;
/// Calls that one rank prints before another one does.
constexpr uint64_t kCallsInARow = 16;

class Sink {
 public:
  explicit Sink(const std::string& path)
      : path_(path),
        fd_(path == "-" ? STDOUT_FILENO
                        : open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
    if (fd_ < 0) error_ = errno;
    buffer.reserve(kBlock + (size_t{1} << 16));
  }
  ~Sink() {
    if (fd_ > STDOUT_FILENO) close(fd_);
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  std::string buffer;
  void flush_if_full() {
    if (buffer.size() >= kBlock) flush();
  }
  void flush() {
    std::string_view rest = buffer;
    while (!error_ && !rest.empty()) {
      const ssize_t n = ::write(fd_, rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0)
        error_ = errno;
      else
        rest.remove_prefix(static_cast<size_t>(n));
    }
    bytes_ += buffer.size() - rest.size();
    buffer.clear();
  }
  uint64_t bytes() const { return bytes_; }
  std::optional<Error> error() const {
    if (!error_) return std::nullopt;
    return Error{ErrorCode::Unreadable, std::string("cannot be written: ") + std::strerror(error_),
                 path_, ""};
  }

 private:
  std::string path_;
  int fd_, error_ = 0;
  uint64_t bytes_ = 0;
};

/// Ranks [from, to) interleaved: phase by phase, in each phase beginning with another rank.
void write_together(const Plan& plan, const Renderer& renderer, int from, int to, Sink& sink) {
  std::vector<Speaker> speakers;
  for (int r = from; r < to; ++r) {
    if (starts(plan, r)) speakers.push_back(renderer.speaker(r));
  }
  uint64_t turn = 0;
  auto round = [&](auto say) {
    const size_t n = speakers.size();
    const size_t first = n ? noise(plan.seed, 50 + turn++, static_cast<uint64_t>(from)) % n : 0;
    for (size_t i = 0; i < n; ++i) {
      say(speakers[(first + i) % n]);
      sink.flush_if_full();
    }
  };
  for (const std::string& phase : renderer.phases()) {
    if (phase != "call") {
      round([&](const Speaker& s) { renderer.phase(s, phase, sink.buffer); });
      continue;
    }
    for (uint64_t call = 1; call <= plan.calls; call += kCallsInARow) {
      const uint64_t end = std::min(plan.calls + 1, call + kCallsInARow);
      round([&](const Speaker& s) { renderer.calls(s, call, end, sink.buffer); });
    }
  }
  sink.flush();
}

void write_rank(const Plan& plan, const Renderer& renderer, int rank, Sink& sink) {
  const Speaker speaker = renderer.speaker(rank);
  for (const std::string& phase : renderer.phases()) {
    for (uint64_t call = 1; phase == "call" && call <= plan.calls; call += kCallsInARow) {
      renderer.calls(speaker, call, std::min(plan.calls + 1, call + kCallsInARow), sink.buffer);
      sink.flush_if_full();
    }
    if (phase != "call") renderer.phase(speaker, phase, sink.buffer);
  }
  sink.flush();
}

}  // namespace

Result<uint64_t> write_fleet(const Plan& plan, const Renderer& renderer, const Output& output) {
  if (output.layout == Layout::Combined || output.path == "-") {
    Sink sink(output.path);
    write_together(plan, renderer, 0, plan.ranks, sink);
    if (sink.error()) return tl::unexpected(*sink.error());
    return sink.bytes();
  }
  std::error_code failed;
  std::filesystem::create_directories(output.path, failed);
  if (failed)
    return fail(ErrorCode::Unreadable, "cannot be made: " + failed.message(), output.path);
  const bool per_rank = output.layout == Layout::PerRank;
  const int files = per_rank ? plan.ranks : plan.nodes();
  std::atomic<int> next{0};
  std::atomic<uint64_t> bytes{0};
  std::mutex mutex;
  std::optional<Error> error;
  auto work = [&] {
    for (int i = next++; i < files; i = next++) {
      const int first = per_rank ? i : i * plan.gpus_per_node;
      const int last = per_rank ? i + 1 : first + plan.ranks_on(i);
      bool anyone = false;
      for (int r = first; r < last; ++r) anyone = anyone || starts(plan, r);
      if (!anyone) continue;
      const Place place = place_of(plan, first);
      Sink sink(per_rank ? fmt::format("{}/nccl.{}.{}.log", output.path, place.host, place.pid)
                         : fmt::format("{}/{}.log", output.path, place.host));
      if (per_rank)
        write_rank(plan, renderer, i, sink);
      else
        write_together(plan, renderer, first, last, sink);
      bytes += sink.bytes();
      const std::lock_guard lock(mutex);
      if (sink.error()) error = sink.error(), next = files;
    }
  };
  std::vector<std::thread> helpers;
  for (int i = 1; i < output.threads; ++i) helpers.emplace_back(work);
  work();
  for (std::thread& t : helpers) t.join();
  if (error) return tl::unexpected(*error);
  return bytes.load();
}

}  // namespace rankdx::fleet
