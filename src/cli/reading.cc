#include "cli/reading.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "cli/flags.h"
#include "input/block_pipeline.h"
#include "present/progress.h"

namespace rankdx {
namespace {

void print_times(const PassTimes& times, const ReadProgress& progress, double wall_s) {
  const auto seconds = [](const std::atomic<uint64_t>& ns) {
    return static_cast<double>(ns.load()) * 1e-9;
  };
  const double giga = static_cast<double>(progress.bytes.load()) * 1e-9;
  std::fprintf(stderr,
               "pass        CPU s\n"
               "read       %6.3f   bytes from files, unpacked\n"
               "digest     %6.3f   lines to messages\n"
               "fold       %6.3f   messages to facts\n"
               "wall       %6.3f   %.3f GB in %llu inputs, %.2f GB/s\n",
               seconds(times.read_ns), seconds(times.work_ns), seconds(times.finish_ns), wall_s,
               giga, static_cast<unsigned long long>(progress.files.load()),
               wall_s > 0 ? giga / wall_s : 0);
}

}  // namespace

void add_reading_flags(Flags& flags, ReadingFlags& values) {
  flags.operands("LOG", values.paths,
                 "files, directories, globs or - for standard input; .gz .zst .xz, bundles and "
                 "facts files too");
  flags.number("--threads", values.threads, 0, 1024, "0: one per core");
  flags.on("--timings", values.timings, "CPU time of each pass, on standard error");
}

ReadResult read_with_progress(const ReadingFlags& flags, const LiteralSet& gate) {
  ReadProgress progress;
  PassTimes times;
  ReadOptions how;
  how.threads = flags.threads > 0 ? static_cast<int>(flags.threads)
                                  : static_cast<int>(std::thread::hardware_concurrency());
  how.progress = &progress;
  if (flags.timings) how.times = &times;
  const auto start = std::chrono::steady_clock::now();
  ReadResult read;
  {
    const ProgressBar bar([&] {
      return Progress{progress.bytes, progress.bytes_total, progress.files, progress.files_total};
    });
    read = read_facts(flags.paths, gate, how);
  }
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  if (flags.timings) print_times(times, progress, passed.count());
  return read;
}

bool named_is_missing(const std::vector<std::string>& paths, const std::vector<Error>& left_out) {
  return std::any_of(left_out.begin(), left_out.end(), [&](const Error& e) {
    if (e.code == ErrorCode::Empty) return false;
    return paths.empty() || std::find(paths.begin(), paths.end(), e.place) != paths.end();
  });
}

bool tell_left_out(const ReadingFlags& flags, const ReadResult& read) {
  for (const Error& e : read.left_out) std::fprintf(stderr, "rankdx: %s\n", to_string(e).c_str());
  if (!read.facts.sources.empty()) return named_is_missing(flags.paths, read.left_out);
  if (read.left_out.empty()) {
    std::fputs("rankdx: no input (name log files or directories, or pipe a log in)\n", stderr);
  }
  return true;
}

}  // namespace rankdx
