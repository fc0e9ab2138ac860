// Hashes of whole files against what is on record about them: several files at once, a record of
// what is done so that an interrupted run goes on, and numbers for a progress bar. Uses OpenSSL's
// EVP.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "checkpoint/file_access.h"

namespace rankdx {

/// GitBlobOrPointer: that of the file or, for one in Git LFS, of the pointer that stands for it.
enum class HashKind : uint8_t { Sha256, GitBlobSha1, GitBlobOrPointer };

/// Hex digits. `done` counts bytes as they are read; `stop` ends it early with an error.
/// `kind`: not GitBlobOrPointer.
Result<std::string> hash_file(const OpenFile& file, HashKind kind, std::atomic<uint64_t>& done,
                              const std::atomic<bool>& stop);

/// The blob id of the file or that of its LFS pointer: `expected` if one of them is it. The
/// likelier one is tried first; `done` counts that pass only.
Result<std::string> hash_blob_or_pointer(const OpenFile& file, std::string_view expected,
                                         std::atomic<uint64_t>& done,
                                         const std::atomic<bool>& stop);

struct HashTask {
  std::string path;  ///< to open
  std::string name;  ///< to show
  HashKind kind = HashKind::Sha256;
  std::string expected;
  FileEntry entry;  ///< size, time and inode tell whether an earlier result still counts
};

struct HashOutcome {
  enum class State : uint8_t { Match, Mismatch, Unreadable, Stopped } state = State::Stopped;
  std::string actual;  ///< Mismatch
  Error error;         ///< Unreadable
  bool from_record = false;
};

struct HashProgress {
  uint64_t done_bytes = 0, total_bytes = 0;
  size_t done_files = 0, total_files = 0;
};

struct HashRun {
  size_t threads = 0;       ///< 0: one per core
  std::string record_file;  ///< empty: nothing is kept
  std::function<void(const HashProgress&)>
      progress;  ///< called a few times a second, by one thread
  const std::atomic<bool>* stop = nullptr;
};

/// Outcomes in the order of `tasks`. The record is a line per finished file, appended at once; a
/// record that cannot be written only costs the resumption.
std::vector<HashOutcome> run_hashes(const FileAccess& files, const std::vector<HashTask>& tasks,
                                    const HashRun& run);

}  // namespace rankdx
