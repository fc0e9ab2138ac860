// --deep: contents against every hash that is on record.
#include <fmt/format.h>

#include "checkpoint/check_parts.h"

namespace rankdx {
namespace {

/// What is on record about a file's contents; nothing where that is nothing.
std::optional<HashTask> task_of(const ModelCheck& check, const FileEntry& e) {
  const auto it = check.records.files.find(e.name);
  if (it == check.records.files.end() || it->second.stale) return std::nullopt;
  const ExpectedFile& expected = it->second;
  HashTask task{path_join(check.directory, e.name), e.name, HashKind::Sha256, expected.sha256, e};
  if (task.expected.empty()) task.kind = HashKind::GitBlobSha1, task.expected = expected.git_sha1;
  if (task.expected.empty())
    task.kind = HashKind::GitBlobOrPointer, task.expected = expected.git_blob;
  return task.expected.empty() ? std::nullopt : std::optional(std::move(task));
}

std::vector<HashTask> tasks_of(const ModelCheck& check, size_t& unknown) {
  std::vector<HashTask> tasks;
  for (const FileEntry& e : check.entries) {
    if (e.kind != FileKind::File) continue;
    if (auto task = task_of(check, e)) {
      tasks.push_back(std::move(*task));
    } else {
      ++unknown;
    }
  }
  return tasks;
}

void report_mismatch(ModelCheck& check, const HashTask& task, const HashOutcome& outcome) {
  const std::string detail = fmt::format("{} is {}, where {} is on record",
                                         task.kind == HashKind::Sha256 ? "sha256" : "git blob sha1",
                                         outcome.actual, task.expected);
  // A small file of a git clone may well have been edited by its owner.
  const bool edited = task.kind == HashKind::GitBlobOrPointer && task.entry.bytes < (1u << 20);
  check.problems.add_as(edited ? Severity::Warning : Severity::Error, "model-file-hash-mismatch",
                        task.name, detail, check.names());
}

}  // namespace

void check_hashes(ModelCheck& check) {
  if (check.options.hashes == Hashes::Skip) return;
  size_t unknown = 0;
  const std::vector<HashTask> tasks = tasks_of(check, unknown);
  if (tasks.empty()) {
    check.check(
        "hashes", CheckStatus::Unknown, "none verified",
        "no hash is on record: neither a cache nor a --local-dir download, a git clone or a "
        "list of the repository");
    return;
  }
  const auto outcomes = run_hashes(check.files, tasks, check.options.hash_run);
  size_t matched = 0, recorded = 0, stopped = 0;
  for (size_t i = 0; i < tasks.size(); ++i) {
    const HashOutcome& outcome = outcomes[i];
    recorded += outcome.from_record ? 1 : 0;
    switch (outcome.state) {
      case HashOutcome::State::Match:
        ++matched;
        // What only looked like damage is disproved.
        check.problems.drop("weight-file-has-holes", tasks[i].name);
        check.problems.drop("weight-file-zero-tail", tasks[i].name);
        break;
      case HashOutcome::State::Mismatch:
        report_mismatch(check, tasks[i], outcome);
        break;
      case HashOutcome::State::Unreadable:
        check.add("model-files-not-readable", tasks[i].name, outcome.error.text,
                  {{"who", "This process"}});
        break;
      case HashOutcome::State::Stopped:
        ++stopped;
        break;
    }
  }
  std::string value = fmt::format("{} of {} files match", matched, tasks.size());
  if (recorded > 0) value += fmt::format(" ({} from an earlier run)", recorded);
  if (unknown > 0) value += fmt::format("; no hash is known for {} others", unknown);
  if (stopped > 0 && !check.problems.has("model-file-hash-mismatch")) {
    check.check("hashes", CheckStatus::Unknown, value, "stopped; the next run goes on");
    return;
  }
  check.check_by("hashes", {"model-file-hash-mismatch"}, value);
}

}  // namespace rankdx
