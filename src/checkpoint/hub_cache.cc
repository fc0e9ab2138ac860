#include "checkpoint/hub_cache.h"

#include <algorithm>

#include "base/text.h"
#include "checkpoint/git_index.h"
#include "checkpoint/json_tree.h"

namespace rankdx {
namespace {

constexpr uint64_t kMostTreeBytes = 64u << 20;
constexpr uint64_t kMostSmallBytes = 64u << 10;

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string base_name(std::string_view path) {
  const size_t slash = path.find_last_of('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

bool is_directory(const FileAccess& files, const std::string& path) {
  const auto entry = files.stat(path);
  return entry && entry->kind == FileKind::Directory;
}

void add_hash(ExpectedFile& expected, std::string_view etag) {
  if (is_hex(etag, 64)) expected.sha256 = etag;
  if (is_hex(etag, 40)) expected.git_sha1 = etag;
}

/// trees/<commit>.json: {"format_version":1,"files":{path:{size, blob_id, lfs_sha256?, lfs_size?}}}
/// (hub 1.22).
void read_tree(const FileAccess& files, const std::string& path, HubRecords& records) {
  const auto text = read_file(files, path, kMostTreeBytes);
  if (!text) return;
  const auto root = parse_json_tree(*text, path);
  if (!root) return;
  const JsonValue* listed = root->find("files");
  if (listed == nullptr || !listed->is_object()) return;
  records.complete = true;
  records.tree_file = path;
  for (const auto& [name, info] : listed->members()) {
    ExpectedFile& expected = records.files[name];
    expected.source = "trees/" + base_name(path);
    const JsonValue* lfs_size = info.find("lfs_size");
    const JsonValue* size = info.find("size");
    const auto bytes = lfs_size != nullptr && lfs_size->integer() ? lfs_size->integer()
                       : size != nullptr                          ? size->integer()
                                                                  : std::nullopt;
    if (bytes && *bytes >= 0) expected.bytes = static_cast<uint64_t>(*bytes);
    add_hash(expected, info.text("lfs_sha256"));
    // The blob id of an LFS file is that of its pointer.
    if (expected.sha256.empty()) add_hash(expected, info.text("blob_id"));
  }
}

/// <path>.metadata: commit, etag, time of the download.
void read_metadata(const FileAccess& files, const std::string& path, const FileEntry* file,
                   const std::string& name, HubRecords& records) {
  const auto text = read_file(files, path, kMostSmallBytes);
  if (!text) return;
  const auto lines = split(*text, '\n');
  if (lines.size() < 2) return;
  if (is_hex(trim(lines[0]), 40)) records.commit = trim(lines[0]);
  ExpectedFile& expected = records.files[name];
  if (expected.sha256.empty() && expected.git_sha1.empty()) {
    add_hash(expected, trim(lines[1]));
    expected.source = name + ".metadata";
  }
  const auto time = lines.size() > 2 ? parse_double(trim(lines[2])) : std::nullopt;
  if (time && file != nullptr && static_cast<double>(file->mtime_ns) * 1e-9 > *time + 1.0)
    expected.stale = true;
}

/// .cache/huggingface/ of a --local-dir download.
void read_local_dir(const FileAccess& files, const std::string& directory,
                    const std::vector<FileEntry>& entries, HubRecords& records) {
  const std::string base = path_join(directory, ".cache/huggingface");
  const auto downloads = files.list(path_join(base, "download"));
  if (!downloads) return;
  for (const FileEntry& e : *downloads) {
    const std::string path = path_join(path_join(base, "download"), e.name);
    if (e.name.ends_with(".metadata")) {
      const std::string name = e.name.substr(0, e.name.size() - 9);
      read_metadata(files, path, find_file(entries, name), name, records);
    } else if (e.name.ends_with(".incomplete")) {
      records.incomplete.push_back(".cache/huggingface/download/" + e.name);
    } else if (e.name.ends_with(".lock")) {
      records.locks.push_back(".cache/huggingface/download/" + e.name);
      const std::string name = e.name.substr(0, e.name.size() - 5);
      if (find_entry(entries, name) == nullptr) records.lone_locks.push_back(records.locks.back());
    }
  }
  if (!records.incomplete.empty()) records.lone_locks.clear();  // the same download
  if (!records.commit.empty())
    read_tree(files, path_join(base, "trees/" + records.commit + ".json"), records);
}

/// Lock files stay after every download; one whose blob is nowhere belongs to one that never ended.
void read_locks(const FileAccess& files, const HubSnapshot& snapshot,
                const Result<std::vector<FileEntry>>& blobs, HubRecords& records) {
  records.lock_directory =
      path_join(parent_of(snapshot.repo_directory), ".locks/" + base_name(snapshot.repo_directory));
  const auto locks = files.list(records.lock_directory);
  if (!locks) return;
  for (const FileEntry& e : *locks) {
    records.locks.push_back(e.name);
    // Without blobs the snapshot holds copies, and nothing tells which.
    if (!blobs || !e.name.ends_with(".lock")) continue;
    const std::string etag = e.name.substr(0, e.name.size() - 5);
    const bool begun = std::any_of(blobs->begin(), blobs->end(),
                                   [&](const FileEntry& b) { return b.name.starts_with(etag); });
    if (!begun) records.lone_locks.push_back(path_join(records.lock_directory, e.name));
  }
}

/// A `git clone` of the repository.
void read_git(const FileAccess& files, const std::string& directory, HubRecords& records) {
  const auto text = read_file(files, path_join(directory, ".git/index"), kMostTreeBytes);
  if (!text) return;
  const auto blobs = git_index_blobs(*text);
  if (!blobs) return;
  for (const auto& [path, id] : *blobs) {
    ExpectedFile& expected = records.files[path];
    expected.git_blob = id;
    expected.source = ".git/index";
  }
}

void read_snapshot(const FileAccess& files, const std::vector<FileEntry>& entries,
                   const HubSnapshot& snapshot, HubRecords& records) {
  records.commit = snapshot.commit;
  read_tree(files, path_join(snapshot.repo_directory, "trees/" + snapshot.commit + ".json"),
            records);
  for (const FileEntry& e : entries) {
    if (e.target.empty()) continue;
    ExpectedFile& expected = records.files[e.name];
    if (!expected.sha256.empty() || !expected.git_sha1.empty()) continue;
    add_hash(expected, base_name(e.target));
    expected.source = "the name of its blob";
  }
  const auto blobs = files.list(path_join(snapshot.repo_directory, "blobs"));
  if (blobs)
    for (const FileEntry& e : *blobs)
      if (e.name.ends_with(".incomplete")) records.incomplete.push_back("blobs/" + e.name);
  const auto missing =
      files.list(path_join(snapshot.repo_directory, ".no_exist/" + snapshot.commit));
  if (missing)
    for (const FileEntry& e : *missing) records.known_missing.push_back(e.name);
  read_locks(files, snapshot, blobs, records);
}

}  // namespace

bool is_repo_id(std::string_view text) {
  const auto parts = split(text, '/');
  if (parts.size() > 2 || text.size() > 96) return false;
  return std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
    return !part.empty() && part.front() != '.' && part.front() != '-' && part.front() != '~' &&
           std::all_of(part.begin(), part.end(), [](char c) {
             return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                    c == '_' || c == '.';
           });
  });
}

std::string hub_cache_directory(const Environment& environment) {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"})
    if (const std::string value = environment.get(name); !value.empty()) return value;
  if (const std::string home = environment.get("HF_HOME"); !home.empty())
    return path_join(home, "hub");
  if (const std::string cache = environment.get("XDG_CACHE_HOME"); !cache.empty())
    return path_join(cache, "huggingface/hub");
  return path_join(home_of(environment), ".cache/huggingface/hub");
}

bool hub_is_offline(const Environment& environment) {
  const std::string first = environment.get("HF_HUB_OFFLINE");
  return is_true_word(first.empty() ? environment.get("TRANSFORMERS_OFFLINE") : first);
}

HubSnapshot find_snapshot(const FileAccess& files, const std::string& cache, std::string_view repo,
                          std::string_view revision) {
  HubSnapshot found;
  found.repo_directory = path_join(cache, "models--" + replace_all(repo, "/", "--"));
  if (!is_directory(files, found.repo_directory)) return found;
  found.state = HubSnapshot::State::NoRef;
  if (is_hex(revision, 40)) {
    found.commit = revision;
  } else if (revision.find("..") == std::string_view::npos) {
    const auto ref = read_file(
        files, path_join(found.repo_directory, "refs/" + std::string(revision)), kMostSmallBytes);
    if (!ref || !is_hex(trim(*ref), 40)) return found;
    found.commit = trim(*ref);
  } else {
    return found;
  }
  found.directory = path_join(found.repo_directory, "snapshots/" + found.commit);
  found.state = is_directory(files, found.directory) ? HubSnapshot::State::Found
                                                     : HubSnapshot::State::NoSnapshot;
  return found;
}

std::optional<HubSnapshot> snapshot_of_path(const std::string& directory) {
  std::string path = directory;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const std::string snapshots = parent_of(path), repo = parent_of(snapshots);
  if (base_name(snapshots) != "snapshots" || !base_name(repo).starts_with("models--"))
    return std::nullopt;
  return HubSnapshot{HubSnapshot::State::Found, repo, base_name(path), path};
}

HubRecords hub_records(const FileAccess& files, const std::string& directory,
                       const std::vector<FileEntry>& entries,
                       const std::optional<HubSnapshot>& snapshot) {
  HubRecords records;
  if (snapshot) {
    read_snapshot(files, entries, *snapshot, records);
  } else if (find_entry(entries, ".cache") != nullptr) {
    read_local_dir(files, directory, entries, records);
  } else if (find_entry(entries, ".git") != nullptr) {
    read_git(files, directory, records);
  }
  return records;
}

}  // namespace rankdx
