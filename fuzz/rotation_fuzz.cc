// Bytes as what happens to a log file: it grows, is renamed away, is cut, vanishes. Every whole
// line comes once and in order, as long as the follower looks between two of these.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "live/file_follower.h"

namespace {

struct Folder {
  std::string path = "/tmp/rankdx-rotation-XXXXXX";
  Folder() {
    if (::mkdtemp(path.data()) == nullptr) std::abort();
  }
  ~Folder() {
    for (const char* name : {"/log", "/log.1"}) ::unlink((path + name).c_str());
    ::rmdir(path.c_str());
  }
};

void append(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (fd < 0 || ::write(fd, text.data(), text.size()) < 0) std::abort();
  ::close(fd);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 64) size = 64;
  const Folder folder;
  const std::string log = folder.path + "/log";
  rankdx::FileFollower follower({log});
  std::vector<std::string> written, got;
  std::string half;
  const auto look = [&] {
    while (follower.poll(
        [&](const std::string&, std::string_view line, double) { got.emplace_back(line); })) {
    }
  };
  for (size_t i = 0; i < size; ++i) {
    const std::string line = half + std::to_string(i) + std::string(data[i] >> 2, 'x');
    struct stat st {};
    const bool exists = ::stat(log.c_str(), &st) == 0;
    switch (data[i] & 3) {
      case 0:
        append(log, line.substr(half.size()) + "\n");
        written.push_back(line);
        half.clear();
        break;
      case 1:  // renamed away; the file that comes next shows that it has gone
        if (!exists || !half.empty()) continue;
        ::rename(log.c_str(), (log + ".1").c_str());
        break;
      case 2:  // cut; a shorter file shows it
        if (!exists || st.st_size == 0) continue;
        if (::truncate(log.c_str(), 0) != 0) std::abort();
        half.clear();
        break;
      default:  // half a line, which a later one completes
        append(log, line.substr(half.size()));
        half = line;
        break;
    }
    look();
  }
  if (got != written) std::abort();
  return 0;
}
