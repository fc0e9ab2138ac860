// Paths of the user to files: directories, globs, duplicates.
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <utility>

#include "input/content.h"
#include "input/input.h"
#include "input/source.h"

namespace rankdx {
namespace {

constexpr int kMaxDepth = 64;          ///< directories in directories
constexpr size_t kMaxFiles = 200'000;  ///< of one call
constexpr size_t kMaxLeftOut = 1000;   ///< messages of one call

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

class Lister {
 public:
  Lister(std::vector<InputPath>& found, std::vector<LeftOut>& left_out)
      : found_(found), left_out_(left_out) {}

  void add_named(const std::string& path) {
    struct stat status {};
    if (path == "-") {
      if (!std::exchange(stdin_listed_, true)) found_.push_back({path, InputPath::Found::Named});
    } else if (stat(path.c_str(), &status) == 0) {
      add_existing(path, status);
    } else if (errno == ENOENT && path.find_first_of("*?[") != path.npos) {
      add_glob(path);
    } else {
      leave_out(file_error(errno, path));
    }
  }

 private:
  using FileId = std::pair<dev_t, ino_t>;

  void add_existing(const std::string& path, const struct stat& status) {
    if (S_ISDIR(status.st_mode)) {
      const size_t found_before = found_.size();
      const size_t told_before = told_;
      walk(path, status, 0);
      if (found_.size() == found_before && told_ == told_before) {
        leave_out({ErrorCode::Unreadable, "holds no logs", path,
                   "hidden files and names such as *.json are skipped; name the files themselves"});
      }
    } else if (!S_ISREG(status.st_mode) || files_.insert({status.st_dev, status.st_ino}).second) {
      found_.push_back({path, InputPath::Found::Named});
    }
  }

  void add_glob(const std::string& pattern) {
    glob_t matches{};
    const int outcome = glob(pattern.c_str(), GLOB_BRACE | GLOB_TILDE, nullptr, &matches);
    struct stat status {};
    for (size_t i = 0; outcome == 0 && i < matches.gl_pathc; ++i) {
      const std::string path = matches.gl_pathv[i];
      if (stat(path.c_str(), &status) == 0) {
        add_existing(path, status);
      } else {
        leave_out(file_error(errno, path));
      }
    }
    globfree(&matches);
    if (outcome != 0) {
      leave_out(
          {ErrorCode::Unreadable, "matches no file", pattern, "check the path and the pattern"});
    }
  }

  void walk(const std::string& path, const struct stat& status, int depth) {
    if (!directories_.insert({status.st_dev, status.st_ino}).second) return;
    if (depth == kMaxDepth) {
      return leave_out(
          {ErrorCode::Unsupported, "lies too deep in directories", path, "name it itself"});
    }
    for (const std::string& name : names_in(path)) {
      const std::string entry = path + (path.ends_with('/') ? "" : "/") + name;
      struct stat found {};
      if (stat(entry.c_str(), &found) != 0) {
        leave_out(file_error(errno, entry));
      } else if (S_ISDIR(found.st_mode)) {
        walk(entry, found, depth + 1);
      } else if (S_ISREG(found.st_mode) && !is_no_log_name(name) &&
                 files_.insert({found.st_dev, found.st_ino}).second) {
        add_found(entry);
      }
    }
  }

  void add_found(const std::string& path) {
    if (found_.size() < kMaxFiles) {
      found_.push_back({path, InputPath::Found::InDirectory});
    } else if (!std::exchange(full_, true)) {
      leave_out({ErrorCode::Unsupported, "and what follows was left out: too many files", path,
                 "name fewer directories"});
    }
  }

  std::vector<std::string> names_in(const std::string& path) {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, CloseDirectory> directory(opendir(path.c_str()));
    if (directory == nullptr) {
      leave_out(file_error(errno, path));
      return names;
    }
    while (const dirent* entry = readdir(directory.get())) {
      if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
      if (names.size() > kMaxFiles) break;
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  void leave_out(Error error) {
    if (++told_ <= kMaxLeftOut) left_out_.push_back({std::move(error)});
  }

  std::vector<InputPath>& found_;
  std::vector<LeftOut>& left_out_;
  std::set<FileId> files_, directories_;
  size_t told_ = 0;
  bool stdin_listed_ = false, full_ = false;
};

}  // namespace

std::vector<InputPath> list_inputs(const std::vector<std::string>& paths,
                                   std::vector<LeftOut>& left_out) {
  std::vector<InputPath> found;
  if (paths.empty()) {
    if (isatty(STDIN_FILENO) == 0) return {{"-", InputPath::Found::Named}};
    left_out.push_back({{ErrorCode::Usage, "no input", "",
                         "name log files or directories, or pipe a log into standard input"}});
    return found;
  }
  Lister lister(found, left_out);
  for (const std::string& path : paths) lister.add_named(path);
  return found;
}

}  // namespace rankdx
