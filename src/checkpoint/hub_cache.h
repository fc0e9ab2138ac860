// The Hugging Face cache on disk, read without the network: where a repository id leads, what the
// hub recorded about the files of a snapshot or of a --local-dir download, and what was left
// unfinished. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "checkpoint/environment.h"
#include "checkpoint/file_access.h"

namespace rankdx {

/// "org/name" or "name", of the letters that the hub allows; never a path.
bool is_repo_id(std::string_view text);

/// HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub, XDG_CACHE_HOME/huggingface/hub,
/// ~/.cache/huggingface/hub.
std::string hub_cache_directory(const Environment& environment);

/// huggingface_hub, all versions to 1.28: true(HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE), the first
/// that is not empty.
bool hub_is_offline(const Environment& environment);

struct HubSnapshot {
  enum class State : uint8_t { Found, NoRepo, NoRef, NoSnapshot } state = State::NoRepo;
  std::string repo_directory;  ///< .../models--org--name
  std::string commit;
  std::string directory;  ///< .../snapshots/<commit>
};
/// `revision`: a branch, a tag or a commit.
HubSnapshot find_snapshot(const FileAccess& files, const std::string& cache, std::string_view repo,
                          std::string_view revision);

/// The repository folder that a directory is a snapshot of, where its path says so.
std::optional<HubSnapshot> snapshot_of_path(const std::string& directory);

/// What is on record about one file. Empty where nothing is.
struct ExpectedFile {
  std::optional<uint64_t> bytes;
  std::string sha256;    ///< 64 hex digits: files in LFS or Xet
  std::string git_sha1;  ///< 40 hex digits: sha1 of "blob <length>\0" and the bytes
  std::string git_blob;  ///< 40 hex digits: likewise of the file or of its LFS pointer
  std::string source;    ///< "trees/<commit>.json", "name of the blob" ...
  bool stale = false;    ///< the file is newer than the record
};

struct HubRecords {
  std::map<std::string, ExpectedFile, std::less<>> files;  ///< by path relative to the directory
  bool complete = false;  ///< a tree: what is not in `files` is not in the repository
  std::string tree_file;
  std::vector<std::string> incomplete;  ///< unfinished downloads, as paths
  std::vector<std::string> locks;
  std::vector<std::string> lone_locks;     ///< of downloads that left neither a file nor a part
  std::string lock_directory;              ///< where the hub would make new ones; may be absent
  std::vector<std::string> known_missing;  ///< .no_exist
  std::string commit;
};

/// `entries`: the listing of `directory`.
HubRecords hub_records(const FileAccess& files, const std::string& directory,
                       const std::vector<FileEntry>& entries,
                       const std::optional<HubSnapshot>& snapshot);

}  // namespace rankdx
