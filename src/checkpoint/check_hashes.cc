// --deep: contents against every hash that is on record.
#include <fmt/format.h>

#include "checkpoint/check_parts.h"

namespace rankdx {
namespace {

std::vector<HashTask> tasks_of(const ModelCheck& check, size_t& unknown) {
  std::vector<HashTask> tasks;
  for (const FileEntry& e : check.entries) {
    if (e.kind != FileKind::File) continue;
    const auto it = check.records.files.find(e.name);
    const bool known = it != check.records.files.end() && !it->second.stale &&
                       (!it->second.sha256.empty() || !it->second.git_sha1.empty());
    if (!known) {
      ++unknown;
      continue;
    }
    const bool sha256 = !it->second.sha256.empty();
    tasks.push_back({path_join(check.directory, e.name), e.name,
                     sha256 ? HashKind::Sha256 : HashKind::GitBlobSha1,
                     sha256 ? it->second.sha256 : it->second.git_sha1, e});
  }
  return tasks;
}

}  // namespace

void check_hashes(ModelCheck& check) {
  if (check.options.hashes == Hashes::Skip) return;
  size_t unknown = 0;
  const std::vector<HashTask> tasks = tasks_of(check, unknown);
  if (tasks.empty()) {
    check.check("hashes", CheckStatus::Unknown, "none verified",
                "no hash is on record: neither a cache nor a --local-dir download nor a list of "
                "the repository");
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
        check.add("model-file-hash-mismatch", tasks[i].name,
                  fmt::format("{} is {}, where {} is on record",
                              tasks[i].kind == HashKind::Sha256 ? "sha256" : "git blob sha1",
                              outcome.actual, tasks[i].expected));
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
