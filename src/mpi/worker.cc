#include "mpi/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace rankdx::mpi {
namespace {

constexpr size_t kBlock = size_t{1} << 16;

std::string read_all(int fd) {
  std::string bytes;
  char block[kBlock];
  while (true) {
    const ssize_t n = read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return bytes;
    bytes.append(block, static_cast<size_t>(n));
  }
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

Part part_of(const Work& work, ReadResult read) {
  Part part;
  part.facts = std::move(read.facts);
  for (size_t i = 0; i < read.left_out.size(); ++i) {
    part.left_out.push_back({work[read.left_out_of[i]].index, std::move(read.left_out[i])});
  }
  return part;
}

/// Life of the child: one piece of work, one answer.
[[noreturn]] void live(int in, int out, const Worker::Read& read, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  signal(SIGTERM, SIG_IGN);  // mpirun sends it to whole process groups; the rank decides
  const auto work = read_work(read_all(in));
  if (!work || work->empty()) _exit(write_all(out, to_bytes(Part{})) ? 0 : 1);
  std::vector<InputPath> inputs;
  for (const Share& s : *work) inputs.push_back(s.path);
  _exit(write_all(out, to_bytes(part_of(*work, read(inputs)))) ? 0 : 1);
}

}  // namespace

std::string ending_of(int status) {
  if (WIFSIGNALED(status)) return "ended by signal " + std::to_string(WTERMSIG(status));
  return "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

Result<Worker> Worker::fork_off(const Read& read) {
  int work[2], answer[2];
  if (pipe2(work, O_CLOEXEC) != 0 || pipe2(answer, O_CLOEXEC) != 0) {
    return fail(ErrorCode::Internal, std::string("no pipe: ") + std::strerror(errno));
  }
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0)
    return fail(ErrorCode::Internal, std::string("no process: ") + std::strerror(errno));
  if (child == 0) {
    close(work[1]);
    close(answer[0]);
    live(work[0], answer[1], read, parent);
  }
  close(work[0]);
  close(answer[1]);
  fcntl(work[1], F_SETFL, O_NONBLOCK);
  fcntl(answer[0], F_SETFL, O_NONBLOCK);
  signal(SIGPIPE, SIG_IGN);  // a worker that is gone shows in result()
  return Worker(child, work[1], answer[0]);
}

Worker::Worker(Worker&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      to_(std::exchange(other.to_, -1)),
      from_(std::exchange(other.from_, -1)),
      unsent_(std::move(other.unsent_)),
      bytes_(std::move(other.bytes_)) {}

Worker::~Worker() {
  if (to_ >= 0) close(to_);
  if (from_ >= 0) close(from_);
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

void Worker::start(const Work& work) {
  unsent_ = to_bytes(work);
  send_rest();
}

void Worker::send_rest() {
  while (to_ >= 0) {
    const ssize_t n = unsent_.empty() ? 0 : write(to_, unsent_.data(), unsent_.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n > 0) unsent_.erase(0, static_cast<size_t>(n));
    if (n > 0 && !unsent_.empty()) continue;
    close(std::exchange(to_, -1));  // the end of the list, or nobody there to read it
  }
}

std::optional<Result<Part>> Worker::result() {
  send_rest();
  char block[kBlock];
  while (true) {
    const ssize_t n = read(from_, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) break;
    bytes_.append(block, static_cast<size_t>(n));
  }
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  pid_ = -1;
  if (status != 0)
    return Result<Part>(fail(ErrorCode::Unreadable, "its reading process " + ending_of(status)));
  auto part = read_part(bytes_);
  bytes_.clear();
  if (!part)
    return Result<Part>(fail(ErrorCode::Internal, "its reading process gave a damaged answer"));
  return Result<Part>(std::move(*part));
}

}  // namespace rankdx::mpi
