// For the tests of the checks: a fake machine in a temporary directory, and one case as one line.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "probe/pod/checks.h"

namespace rankdx {

/// Path to content; a content that begins with "-> " is a symbolic link.
using Files = std::vector<std::pair<std::string, std::string>>;

class TestRoot {
 public:
  TestRoot() {
    std::string pattern = testing::TempDir() + "rankdx-root-XXXXXX";
    dir_ = mkdtemp(pattern.data());
  }
  ~TestRoot() { std::filesystem::remove_all(dir_); }
  TestRoot(const TestRoot&) = delete;
  TestRoot& operator=(const TestRoot&) = delete;

  void add(const Files& files) const {
    for (const auto& [path, text] : files) {
      const std::filesystem::path full = dir_ + path;
      std::filesystem::create_directories(full.parent_path());
      if (text.starts_with("-> ")) {
        std::filesystem::create_symlink(text.substr(3), full);
      } else if (path.ends_with('/')) {
        std::filesystem::create_directories(full);
      } else {
        std::ofstream(full, std::ios::binary) << text;
      }
    }
  }
  const std::string& path() const { return dir_; }

 private:
  std::string dir_;
};

/// What statvfs and access(2) would say, which a directory of root's cannot imitate.
class TestHost : public HostView {
 public:
  explicit TestHost(const std::string& root) : HostView(root) {}
  Access writable(std::string_view path) const override {
    const auto it = closed.find(path);
    if (it != closed.end()) return it->second;
    return exists(path) ? Access::Yes : Access::Missing;
  }
  Result<FilesystemUsage> filesystem(std::string_view path) const override {
    if (unreadable) return fail(ErrorCode::Unreadable, "permission denied");
    if (const auto it = usage.find(path); it != usage.end()) return it->second;
    if (!exists(path)) return fail(ErrorCode::Empty, "no such file or directory");
    return FilesystemUsage{1ULL << 40, 1ULL << 39, false};
  }
  std::map<std::string, Access, std::less<>> closed;
  std::map<std::string, FilesystemUsage, std::less<>> usage;
  bool unreadable = false;  ///< no file system can be asked
};

/// The result with this id after one check has run, and the findings.
struct SeenResult {
  CheckResult result;
  std::vector<std::string> findings;
};

inline SeenResult seen(const Checklist& list, std::string_view id) {
  SeenResult out;
  out.result.value = "(no such result)";
  for (const CheckResult& r : list.checks()) {
    if (r.id == id) out.result = r;
  }
  for (const Finding& f : list.findings()) {
    EXPECT_FALSE(f.fix.empty()) << f.id;
    EXPECT_FALSE(f.title.empty() || f.cause.empty()) << f.id;
    out.findings.push_back(f.id);
  }
  return out;
}

struct PodCase {
  std::string what;
  PodCheck check;
  std::string id;
  Files files;
  Variables environment;
  CheckStatus status;
  std::string value;    ///< a part of value or why
  std::string finding;  ///< "" none
};

/// Results that the checks gave in any case, and the states in which each was tested: all of them
/// must be tested in all three (every_state_test.cc).
struct StatesTested {
  std::set<std::string> given;
  std::map<std::string, std::set<CheckStatus>> tested;
};
inline StatesTested& states_tested() {
  static StatesTested all;
  return all;
}

inline void expect(const PodCase& c, const SeenResult& s) {
  EXPECT_EQ(to_string(s.result.status), to_string(c.status)) << c.what << ": " << s.result.value;
  EXPECT_NE((s.result.value + " " + s.result.why).find(c.value), std::string::npos)
      << c.what << ": " << s.result.value << " / " << s.result.why;
  const std::string first = s.findings.empty() ? "" : s.findings.front();
  EXPECT_EQ(first, c.finding) << c.what;
  EXPECT_FALSE(s.result.source.empty()) << c.what;
}

/// Runs each case on a fresh fake root; `prepare` changes host or context before.
template <class Prepare>
void run_cases(const std::vector<PodCase>& cases, Prepare prepare) {
  for (const PodCase& c : cases) {
    const TestRoot root;
    root.add(c.files);
    TestHost host(root.path());
    PodOptions options;
    PodContext ctx{host, options, {}, c.environment, "this process", {}, {}, {}};
    prepare(c, host, options, ctx);
    Checklist list;
    c.check(ctx, list);
    for (const CheckResult& r : list.checks()) states_tested().given.insert(r.id);
    states_tested().tested[c.id].insert(c.status);
    expect(c, seen(list, c.id));
  }
}

inline void run_cases(const std::vector<PodCase>& cases) {
  run_cases(cases, [](const PodCase&, TestHost&, PodOptions&, PodContext&) {});
}

}  // namespace rankdx
