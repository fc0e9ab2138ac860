#include "cli/facts_file.h"

#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "cli/cli.h"

namespace rankdx {
namespace {

struct CloseFile {
  void operator()(FILE* file) const { std::fclose(file); }
};

tl::unexpected<Error> not_written(const std::string& path) {
  return fail(ErrorCode::Unreadable, std::string("cannot be written: ") + std::strerror(errno),
              path);
}

/// The lines that facts keep are much alike from rank to rank: packed they take a tenth. Readers
/// unpack by content.
Result<std::string> packed(const std::string& bytes) {
  constexpr int kLevel = 3;
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), kLevel);
  if (ZSTD_isError(size) != 0)
    return fail(ErrorCode::Internal, std::string("cannot be packed: ") + ZSTD_getErrorName(size));
  out.resize(size);
  return out;
}

}  // namespace

Result<void> write_facts(const Facts& facts, const std::string& path) {
  if (path == "-" && isatty(STDOUT_FILENO) != 0) {
    return fail(ErrorCode::Usage, "facts are binary, not for a terminal", "",
                "name a file: -o FILE.rdxf");
  }
  const std::string bytes = RANKDX_TRY(packed(serialize(facts)));
  if (path == "-") {
    const bool all = std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() &&
                     std::fflush(stdout) == 0;
    if (!all) return not_written("<stdout>");
    return {};
  }
  // Another file first: who collects facts must never meet half a file.
  const std::string part = path + ".part-" + std::to_string(getpid());
  std::unique_ptr<FILE, CloseFile> file(std::fopen(part.c_str(), "wbe"));
  if (!file) return not_written(path);
  bool all = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size() &&
             std::fflush(file.get()) == 0;
  all = fsync(fileno(file.get())) == 0 && all;
  file.reset();
  if (all && std::rename(part.c_str(), path.c_str()) == 0) return {};
  const auto error = not_written(path);
  std::remove(part.c_str());
  return error;
}

int refused(const Error& error) {
  std::fprintf(stderr, "rankdx: %s\n", to_string(error).c_str());
  return kUsage;
}

int save_facts(const ReadingFlags& flags, const ReadResult& read, const std::string& path) {
  const bool lacking = tell_left_out(flags, read);
  if (read.facts.sources.empty()) return kUsage;
  const auto written = write_facts(read.facts, path);
  if (!written) return refused(written.error());
  return lacking ? kUsage : kHealthy;
}

}  // namespace rankdx
