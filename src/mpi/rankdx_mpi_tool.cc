// rankdx-mpi: the program that mpirun starts.
#include <fcntl.h>
#include <mpi.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <list>
#include <memory>
#include <thread>

#include "cli/answer.h"
#include "cli/cli.h"
#include "cli/facts_file.h"
#include "cli/flags.h"
#include "mpi/member.h"
#include "mpi/root.h"
#include "mpi/worker.h"

namespace rankdx::mpi {
namespace {

volatile sig_atomic_t told_to_end = 0;

/// Ranks other than 0 keep silent while the command line is read: mistakes in it are told once.
class Hush {
 public:
  void begin() {
    const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
    if (!rank || std::string_view(rank) == "0") return;
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    stderr_ = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (nowhere < 0 || stderr_ < 0) return;
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
  }
  void end() {
    if (stderr_ >= 0) dup2(stderr_, STDERR_FILENO);
  }

 private:
  int stderr_ = -1;
};
Hush hush;

double now_s() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

/// Messages over MPI_COMM_WORLD, all of them nonblocking: a peer may be gone at any moment.
class MpiLink final : public Link {
 public:
  MpiLink() {
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void send(int to, Kind kind, std::string bytes) override {
    constexpr size_t kMostBytes = size_t{1} << 30;  // counts are int
    if (bytes.size() > kMostBytes) bytes.clear();   // damaged on arrival: counted as lost there
    Transfer& t = sending_.emplace_back();
    t.message = {to, kind, std::move(bytes)};
    const int failed = MPI_Isend(t.message.bytes.data(), static_cast<int>(t.message.bytes.size()),
                                 MPI_BYTE, to, static_cast<int>(kind), MPI_COMM_WORLD, &t.request);
    if (failed != MPI_SUCCESS) sending_.pop_back();
  }

  std::optional<Message> receive() override {
    sending_.remove_if([](Transfer& t) { return t.is_done(); });
    begin_receiving();
    for (auto t = receiving_.begin(); t != receiving_.end(); ++t) {
      if (!t->is_done()) continue;
      Message message = std::move(t->message);
      receiving_.erase(t);
      return message;
    }
    return std::nullopt;
  }

  bool has_sent_all() {
    sending_.remove_if([](Transfer& t) { return t.is_done(); });
    return sending_.empty();
  }

 private:
  struct Transfer {
    Message message;
    MPI_Request request = MPI_REQUEST_NULL;
    bool is_done() {
      int done = 0;
      return MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS || done != 0;
    }
  };

  void begin_receiving() {
    while (true) {
      int found = 0, size = 0;
      MPI_Message handle;
      MPI_Status status;
      if (MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &found, &handle, &status) !=
              MPI_SUCCESS ||
          !found) {
        return;
      }
      MPI_Get_count(&status, MPI_BYTE, &size);
      Transfer& t = receiving_.emplace_back();
      t.message.from = status.MPI_SOURCE;
      t.message.kind = static_cast<Kind>(status.MPI_TAG);
      t.message.bytes.resize(static_cast<size_t>(size));
      if (MPI_Imrecv(t.message.bytes.data(), size, MPI_BYTE, &handle, &t.request) != MPI_SUCCESS)
        receiving_.pop_back();
    }
  }

  int rank_ = 0, size_ = 1;
  std::list<Transfer> sending_, receiving_;
};

/// Leaves MPI when everybody is there to leave it together; otherwise there is nobody to wait for.
[[noreturn]] void leave(MpiLink& link, int code, bool all_there) {
  std::fflush(nullptr);
  for (double end = now_s() + 2; !link.has_sent_all() && now_s() < end;) usleep(2000);
  if (all_there) {
    // Whoever ends in between must not keep the others.
    signal(SIGALRM, SIG_DFL);
    static int exit_code;
    exit_code = code;
    signal(SIGALRM, [](int) { _exit(exit_code); });
    alarm(10);
    MPI_Finalize();
  }
  _exit(code);
}

Hello self() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return {name, getpid()};
}

bool is_gone(const Hello& peer) {
  return peer.host == self().host && kill(peer.pid, 0) != 0 && errno == ESRCH;
}

struct Options {
  std::vector<std::string> paths;
  AnswerFlags answer;
  std::string facts;
  int64_t threads = 1, lost_after_s = 30;
};

template <class Step>
void work(Step step) {
  while (!step()) usleep(1000);
}

int run_member(const Options&, MpiLink& link, Worker& worker, const Patience& patience) {
  Member member(link, worker, patience, self(), now_s());
  Member::State state = Member::State::Working;
  work([&] {
    if (told_to_end) member.hurry(now_s());
    state = member.step(now_s());
    return state != Member::State::Working;
  });
  if (state == Member::State::Done) return kHealthy;
  std::fprintf(stderr, "rankdx-mpi: rank %d heard nothing of rank 0 for %.0f s and gives up\n",
               link.rank(), patience.lost_after_s);
  return kUsage;
}

std::vector<uint64_t> sizes_of(const std::vector<InputPath>& inputs) {
  std::vector<uint64_t> sizes;
  for (const InputPath& input : inputs) {
    std::error_code unknown;
    const auto size = std::filesystem::file_size(input.path, unknown);
    sizes.push_back(unknown ? 0 : size);
  }
  return sizes;
}

/// Everything the ranks read, in one.
ReadResult gather(const Options& o, MpiLink& link, Worker& worker, const Patience& patience,
                  size_t& lost) {
  std::vector<LeftOut> not_found;
  const std::vector<InputPath> inputs = list_inputs(o.paths, not_found);
  Root root(link, worker, patience, inputs, sizes_of(inputs), is_gone, now_s());
  work([&] {
    if (told_to_end) root.hurry(now_s());
    return root.step(now_s());
  });
  for (const LostRank& l : root.lost()) {
    std::fprintf(stderr, "rankdx-mpi: rank %d%s%s is lost (%s), and with it %zu inputs\n", l.rank,
                 l.host.empty() ? "" : " on ", l.host.c_str(), l.why.c_str(), l.inputs);
    ++lost;
  }
  if (lost > 0 && told_to_end) {
    std::fputs("rankdx-mpi: mpirun --enable-recovery lets the other ranks finish\n", stderr);
  }
  ReadResult read = root.result();
  std::vector<Error> left_out;
  for (LeftOut& l : not_found) left_out.push_back(std::move(l.error));
  read.left_out.insert(read.left_out.begin(), left_out.begin(), left_out.end());
  settle_left_out(read);
  root.dismiss();
  return read;
}

int tell(const Options& o, ReadResult read, RuleMatcher& matcher) {
  if (read.facts.sources.empty()) {
    for (const Error& e : read.left_out)
      std::fprintf(stderr, "rankdx-mpi: %s\n", to_string(e).c_str());
    return kUsage;
  }
  if (!o.facts.empty()) {
    const auto written = write_facts(read.facts, o.facts);
    if (!written)
      return std::fprintf(stderr, "rankdx-mpi: %s\n", to_string(written.error()).c_str()), kUsage;
  }
  return answer(std::move(read), matcher, o.answer, o.paths);
}

int run(const Options& o) {
  const auto pack = rules_for(o.answer);
  if (!pack)
    return std::fprintf(stderr, "rankdx-mpi: %s\n", to_string(pack.error()).c_str()), kUsage;
  RuleMatcher matcher(*pack);
  ReadOptions how;
  how.threads = static_cast<int>(o.threads);
  auto worker = Worker::fork_off([&](const std::vector<InputPath>& inputs) {
    return read_inputs(inputs, matcher.gate(), how);
  });
  if (!worker)
    return std::fprintf(stderr, "rankdx-mpi: %s\n", to_string(worker.error()).c_str()), kUsage;
  if (MPI_Init(nullptr, nullptr) != MPI_SUCCESS) return kUsage;
  hush.end();
  signal(SIGTERM, [](int) { told_to_end = 1; });
  Patience patience;
  patience.lost_after_s = static_cast<double>(o.lost_after_s);
  patience.beat_s = std::min(patience.beat_s, patience.lost_after_s / 4);
  MpiLink link;
  if (link.rank() != 0) {
    const int code = run_member(o, link, *worker, patience);
    leave(link, code, !told_to_end && code == kHealthy);
  }
  size_t lost = 0;
  ReadResult read = gather(o, link, *worker, patience, lost);
  const int code = tell(o, std::move(read), matcher);
  // A part that was not read could hold anything.
  leave(link, code == kHealthy && lost > 0 ? static_cast<int>(kUndetermined) : code,
        lost == 0 && !told_to_end);
}

constexpr std::string_view kExamples =
    "  mpirun -np 64 rankdx-mpi diagnose /shared/logs      # the files shared out by size\n"
    "  mpirun --enable-recovery -np 64 rankdx-mpi diagnose /shared/logs   # go on when a rank is "
    "lost\n";

std::function<int()> make_diagnose(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.operands("LOG", o->paths,
                 "files, directories or globs that every rank can read; facts files too");
  flags.number("--threads", o->threads, 1, 1024, "of each rank");
  flags.number("--lost-after", o->lost_after_s, 1, 86400,
               "seconds without a sign of life that mean a rank is lost");
  flags.text("--facts", o->facts, "write the facts of all to this file as well");
  add_answer_flags(flags, o->answer);
  return [o] { return run(*o); };
}

}  // namespace
}  // namespace rankdx::mpi

int main(int argc, char** argv) {
  rankdx::mpi::hush.begin();
  const rankdx::Program program{
      "rankdx-mpi",
      "rankdx diagnose by many processes of Open MPI: each reads a part of the files, the facts "
      "come together along a "
      "tree",
      {},
      {{"diagnose", "Name the root cause of a failed, hanging or slow launch from its logs",
        rankdx::mpi::kExamples, rankdx::mpi::make_diagnose}}};
  return rankdx::run_program(program, argc, argv);
}
