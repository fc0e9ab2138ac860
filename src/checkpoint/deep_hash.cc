#include "checkpoint/deep_hash.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <thread>

#include "base/text.h"
#include "checkpoint/git_index.h"
#include "checkpoint/parallel.h"

namespace rankdx {
namespace {

/// Large enough for the file system to read ahead, small enough for the second-level cache.
constexpr size_t kBlock = 256u << 10;
constexpr uint64_t kMostRecordBytes = 16u << 20;

struct Digest {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free};
  bool begin(HashKind kind) {
    return context &&
           EVP_DigestInit_ex(context.get(), kind == HashKind::Sha256 ? EVP_sha256() : EVP_sha1(),
                             nullptr) == 1;
  }
  bool add(const char* bytes, size_t size) {
    return EVP_DigestUpdate(context.get(), bytes, size) == 1;
  }
  std::string hex() {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_DigestFinal_ex(context.get(), bytes, &size) != 1) return {};
    std::string text;
    for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
    return text;
  }
};

/// What a file was when it was hashed; another size, time or place makes the result void.
std::string identity_line(const HashTask& task) {
  static constexpr const char* kKinds[] = {"sha256", "git-sha1", "git-blob-or-pointer"};
  return fmt::format("{}\t{}\t{}\t{}\t{}", task.entry.device, task.entry.inode, task.entry.bytes,
                     task.entry.mtime_ns, kKinds[static_cast<size_t>(task.kind)]);
}

class Record {
 public:
  Record(const FileAccess& files, const std::string& path) {
    if (path.empty()) return;
    if (const auto text = read_file(files, path, kMostRecordBytes)) {
      for (const std::string_view line : split(*text, '\n')) {
        const size_t tab = line.rfind('\t');
        if (tab != std::string_view::npos)
          known_[std::string(line.substr(0, tab))] = line.substr(tab + 1);
      }
    }
    fd_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  }
  ~Record() {
    if (fd_ >= 0) ::close(fd_);
  }
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;

  std::string find(const HashTask& task) const {
    const auto it = known_.find(identity_line(task));
    return it == known_.end() ? "" : it->second;
  }
  void add(const HashTask& task, const std::string& hash) {
    const std::string line = identity_line(task) + "\t" + hash + "\n";
    if (fd_ >= 0) (void)!::write(fd_, line.data(), line.size());  // one write: lines stay whole
  }

 private:
  std::map<std::string, std::string> known_;
  int fd_ = -1;
};

/// Calls the progress function while the work runs.
class Ticker {
 public:
  explicit Ticker(std::function<void()> tick) : tick_(std::move(tick)) {
    if (tick_) thread_ = std::thread([this] { run(); });
  }
  ~Ticker() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ended_ = true;
    }
    wake_.notify_one();
    thread_.join();
    tick_();
  }
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  void run() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::milliseconds(200), [this] { return ended_; }))
      tick_();
  }
  std::function<void()> tick_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace

namespace {

std::string git_blob_id(std::string_view text) {
  Digest digest;
  if (!digest.begin(HashKind::GitBlobSha1)) return {};
  const std::string head = "blob " + std::to_string(text.size()) + '\0';
  digest.add(head.data(), head.size());
  digest.add(text.data(), text.size());
  return digest.hex();
}

}  // namespace

Result<std::string> hash_file(const OpenFile& file, HashKind kind, std::atomic<uint64_t>& done,
                              const std::atomic<bool>& stop) {
  Digest digest;
  if (!digest.begin(kind)) return fail(ErrorCode::Internal, "OpenSSL offers no such hash");
  if (kind == HashKind::GitBlobSha1) {
    const std::string head = "blob " + std::to_string(file.bytes()) + '\0';
    digest.add(head.data(), head.size());
  }
  const std::unique_ptr<char[]> block(new char[kBlock]);
  for (uint64_t at = 0;;) {
    if (stop.load(std::memory_order_relaxed)) return fail(ErrorCode::Internal, "stopped");
    const size_t size = RANKDX_TRY(file.read(block.get(), kBlock, at));
    digest.add(block.get(), size);
    at += size;
    done.fetch_add(size, std::memory_order_relaxed);
    if (size < kBlock) break;
  }
  return digest.hex();
}

Result<std::string> hash_blob_or_pointer(const OpenFile& file, std::string_view expected,
                                         std::atomic<uint64_t>& done,
                                         const std::atomic<bool>& stop) {
  // Text of a repository is small, what stands in LFS is not.
  constexpr uint64_t kSmall = 1u << 20;
  const bool pointer_first = file.bytes() >= kSmall;
  std::string first;
  for (const bool pointer : {pointer_first, !pointer_first}) {
    std::atomic<uint64_t> again{0};
    std::string hash =
        RANKDX_TRY(hash_file(file, pointer ? HashKind::Sha256 : HashKind::GitBlobSha1,
                             first.empty() ? done : again, stop));
    if (pointer) hash = git_blob_id(lfs_pointer_text(hash, file.bytes()));
    if (hash == expected) return hash;
    if (first.empty()) first = std::move(hash);
  }
  return first;
}

std::vector<HashOutcome> run_hashes(const FileAccess& files, const std::vector<HashTask>& tasks,
                                    const HashRun& run) {
  static const std::atomic<bool> never{false};
  const std::atomic<bool>& stop = run.stop != nullptr ? *run.stop : never;
  std::vector<HashOutcome> outcomes(tasks.size());
  Record record(files, run.record_file);
  std::atomic<uint64_t> done_bytes{0};
  std::atomic<size_t> done_files{0};
  HashProgress all;
  for (const HashTask& t : tasks) all.total_bytes += t.entry.bytes;
  all.total_files = tasks.size();
  const auto one = [&](const HashTask& task, HashOutcome& outcome) {
    std::string hash = record.find(task);
    outcome.from_record = !hash.empty();
    if (outcome.from_record) {
      done_bytes += task.entry.bytes;
    } else {
      if (stop) return;
      const auto file = files.open(task.path);
      const auto hashed = !file ? Result<std::string>(tl::unexpected(file.error()))
                          : task.kind == HashKind::GitBlobOrPointer
                              ? hash_blob_or_pointer(**file, task.expected, done_bytes, stop)
                              : hash_file(**file, task.kind, done_bytes, stop);
      if (!hashed) {
        outcome.state = stop ? HashOutcome::State::Stopped : HashOutcome::State::Unreadable;
        outcome.error = hashed.error();
        return;
      }
      hash = *hashed;
      record.add(task, hash);
    }
    ++done_files;
    outcome.state =
        hash == task.expected ? HashOutcome::State::Match : HashOutcome::State::Mismatch;
    outcome.actual = std::move(hash);
  };
  // The largest first: a big file begun last would leave the other cores idle.
  std::vector<size_t> order(tasks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return tasks[a].entry.bytes > tasks[b].entry.bytes; });
  std::function<void()> tick;
  if (run.progress)
    tick = [&] {
      all.done_bytes = done_bytes;
      all.done_files = done_files;
      run.progress(all);
    };
  const Ticker ticker(tick);
  const size_t threads =
      run.threads != 0 ? run.threads : std::max(1u, std::thread::hardware_concurrency());
  parallel_for(order.size(), threads, [&](size_t i) { one(tasks[order[i]], outcomes[order[i]]); });
  return outcomes;
}

}  // namespace rankdx
