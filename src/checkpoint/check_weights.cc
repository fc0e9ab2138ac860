// Headers against the rules, index against files and headers, and what the disk says about the
// bytes behind them.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "checkpoint/check_parts.h"

namespace rankdx {
namespace {

/// By SafetensorsFault.
constexpr std::array<std::string_view, 10> kFaultIds = {
    "safetensors-header-too-small", "safetensors-header-too-large", "safetensors-bad-header-length",
    "safetensors-header-not-utf8",  "safetensors-header-invalid",   "safetensors-bad-offsets",
    "safetensors-overflow",         "safetensors-misaligned",       "safetensors-bad-tensor-size",
    "safetensors-corrupt"};

void report_refused(ModelCheck& check, const WeightFile& file) {
  const SafetensorsError& error = *file.refused;
  if (check.fakes.contains(file.name)) return;
  std::string detail = error.text;
  if (!error.tensor.empty() && detail.find(error.tensor) == std::string::npos)
    detail += " (tensor " + error.tensor + ")";
  if (error.expected_bytes > 0)
    detail += fmt::format(": {} bytes, where {} are expected ({} {})",
                          digits_grouped(error.file_bytes), digits_grouped(error.expected_bytes),
                          digits_grouped(error.expected_bytes > error.file_bytes
                                             ? error.expected_bytes - error.file_bytes
                                             : error.file_bytes - error.expected_bytes),
                          error.expected_bytes > error.file_bytes ? "too few" : "too many");
  check.add(kFaultIds[static_cast<size_t>(error.fault)], file.name, std::move(detail));
}

void look_at_the_disk(ModelCheck& check, const WeightFile& file) {
  const FileEntry* entry = find_file(check.entries, file.name);
  if (entry == nullptr || !file.header) return;
  // Compressing file systems use fewer blocks too; only a hole that the file system names counts.
  // Less than a block is the end of a file.
  constexpr uint64_t kLeastHole = 64u << 10;
  const uint64_t missing =
      entry->bytes > entry->allocated_bytes ? entry->bytes - entry->allocated_bytes : 0;
  if (missing >= kLeastHole && file.first_hole < file.bytes) {
    check.add("weight-file-has-holes", file.name,
              fmt::format("about {} of {} were never written, from byte {} on", size_words(missing),
                          size_words(file.bytes), digits_grouped(file.first_hole)));
  } else if (file.zero_tail) {
    check.add("weight-file-zero-tail", file.name, "the last 65,536 bytes are zero");
  }
}

void report_new_dtypes(ModelCheck& check) {
  std::string_view newest;
  std::string file, dtype;
  for (const WeightFile& f : check.weights) {
    if (!f.header) continue;
    for (const HeaderTensor& t : f.header->tensors) {
      // 0.4.0 is older than every image of vLLM 0.6.
      if (t.dtype->since <= newest || t.dtype->since <= "0.4.0") continue;
      newest = t.dtype->since;
      file = f.name;
      dtype = t.dtype->name;
    }
  }
  if (!newest.empty())
    check.add("safetensors-needs-newer-reader", file, "has tensors of type " + dtype,
              {{"since", std::string(newest)}});
}

/// Each is a look into every file; a hostile directory has many.
constexpr size_t kMostSearches = 10'000;

/// Per position in check.weights: whether the file is loaded and its header could be read.
std::vector<bool> loaded_files(const ModelCheck& check) {
  std::vector<bool> loaded;
  for (const WeightFile& f : check.weights) loaded.push_back(f.header && check.is_loaded(f.name));
  return loaded;
}

/// Another loaded file with a tensor of that name, or nullptr.
const WeightFile* other_file(const ModelCheck& check, const std::vector<bool>& loaded,
                             std::string_view tensor, size_t than) {
  for (size_t i = 0; i < check.weights.size(); ++i)
    if (loaded[i] && i != than && check.weights[i].header->find(tensor)) return &check.weights[i];
  return nullptr;
}

/// Without an index nothing says where a tensor belongs.
void report_repeated(ModelCheck& check, const std::vector<bool>& loaded) {
  NameSet names;
  for (uint32_t i = 0; i < check.weights.size(); ++i) {
    if (!loaded[i]) continue;
    for (const HeaderTensor& t : check.weights[i].header->tensors)
      if (const auto other = names.insert(t.name, i))
        check.add("tensor-in-several-files", check.weights[i].name,
                  fmt::format("{} is also in {}", t.name, check.weights[*other].name));
  }
}

/// Position in check.weights per file of the index; npos where the file is absent or has no usable
/// header.
std::vector<size_t> positions_of(ModelCheck& check) {
  std::vector<size_t> positions;
  for (const std::string_view file : check.index->files) {
    const auto it = std::lower_bound(check.weights.begin(), check.weights.end(), file,
                                     [](const WeightFile& f, auto name) { return f.name < name; });
    const bool usable = it != check.weights.end() && it->name == file && it->header;
    positions.push_back(usable ? static_cast<size_t>(it - check.weights.begin())
                               : std::string::npos);
  }
  return positions;
}

void report_missing_shards(ModelCheck& check) {
  for (const std::string_view file : check.index->files) {
    const FileEntry* e = find_entry(check.entries, file);
    // A dangling link is reported as one.
    if (e != nullptr && e->kind != FileKind::Directory) continue;
    check.add("model-shard-missing", std::string(file),
              "is named by " + check.index->file + " and is missing");
  }
}

/// Tensors that the index does not name for the file in which they are: repeated ones, or left out
/// of it.
void report_unnamed(ModelCheck& check, const std::vector<bool>& loaded,
                    const std::vector<std::vector<bool>>& named) {
  for (size_t i = 0; i < check.weights.size(); ++i) {
    if (!loaded[i]) continue;
    for (size_t t = 0; t < named[i].size(); ++t) {
      if (named[i][t]) continue;
      const std::string_view name = check.weights[i].header->tensors[t].name;
      const WeightFile* other = check.problems.count("tensor-not-in-index") < kMostSearches
                                    ? other_file(check, loaded, name, i)
                                    : nullptr;
      if (other != nullptr) {
        check.add("tensor-in-several-files", check.weights[i].name,
                  fmt::format("{} is also in {}", name, other->name));
      } else {
        check.add("tensor-not-in-index", check.weights[i].name, std::string(name));
      }
    }
  }
}

/// Tensors that are not in the file that the index names. The last of equal keys counts, as in
/// Python.
void report_lost(ModelCheck& check, const std::vector<bool>& loaded,
                 const std::vector<size_t>& positions, const std::vector<uint32_t>& lost,
                 std::vector<std::vector<bool>>& named) {
  const WeightIndex& index = *check.index;
  NameSet last;
  for (auto i = static_cast<uint32_t>(index.tensors.size()); i-- > 0;)
    last.insert(index.tensors[i].first, i);
  size_t looked_for = 0;
  for (const uint32_t i : lost) {
    const auto& [name, file] = index.tensors[i];
    if (last.find(name) != i) continue;
    const WeightFile* other =
        ++looked_for < kMostSearches ? other_file(check, loaded, name, positions[file]) : nullptr;
    check.add("tensor-not-where-index-says", std::string(index.files[file]),
              other != nullptr ? fmt::format("{} is in {}", name, other->name)
                               : fmt::format("{} is in no file that was read", name));
    if (other == nullptr) continue;
    const auto at = static_cast<size_t>(other - check.weights.data());
    named[at][*other->header->find(name)] = true;
  }
}

/// Looks up each tensor in the one file that should have it: a file's names stay in the cache,
/// those of all do not.
void compare_with_index(ModelCheck& check, const std::vector<bool>& loaded) {
  const WeightIndex& index = *check.index;
  const std::vector<size_t> positions = positions_of(check);
  std::vector<std::vector<bool>> named(check.weights.size());
  for (size_t i = 0; i < named.size(); ++i)
    if (loaded[i]) named[i].resize(check.weights[i].header->tensors.size());
  // The last of equal keys counts, as in Python; only a key that is not found can be an earlier
  // one.
  std::vector<uint32_t> lost;  ///< positions in index.tensors
  for (uint32_t i = 0; i < index.tensors.size(); ++i) {
    const auto& [name, file] = index.tensors[i];
    const size_t position = positions[file];
    if (position == std::string::npos) continue;
    if (const auto found = check.weights[position].header->find(name)) {
      named[position][*found] = true;
    } else {
      lost.push_back(i);
    }
  }
  if (!lost.empty()) report_lost(check, loaded, positions, lost, named);
  report_unnamed(check, loaded, named);
}

void compare_total(ModelCheck& check, const std::vector<bool>& loaded) {
  uint64_t seen = 0;
  for (size_t i = 0; i < check.weights.size(); ++i)
    if (loaded[i]) seen += check.weights[i].header->data_bytes;
  const auto said = check.index->total_size;
  const bool all = std::all_of(check.weights.begin(), check.weights.end(),
                               [](const WeightFile& f) { return f.header.has_value(); });
  if (!said || *said == seen || !all || check.problems.has("model-shard-missing")) return;
  check.add("index-total-size-differs", check.index->file,
            fmt::format("total_size {} and {} differ", digits_grouped(*said), digits_grouped(seen)),
            {{"said", digits_grouped(*said)}, {"seen", digits_grouped(seen)}});
}

}  // namespace

void check_headers(ModelCheck& check) {
  uint64_t tensors = 0, bytes = 0;
  size_t good = 0;
  for (const WeightFile& file : check.weights) {
    if (file.unreadable) {
      check.add("model-files-not-readable", file.name, file.unreadable->text,
                {{"who", "This process"}});
    } else if (file.refused) {
      report_refused(check, file);
    } else if (file.header) {
      ++good;
      tensors += file.header->tensors.size();
      bytes += file.header->data_bytes;
      look_at_the_disk(check, file);
    }
  }
  report_new_dtypes(check);
  if (check.weights.empty()) {
    check.check("safetensors-headers", CheckStatus::Unknown, "no safetensors file",
                "the weights have another format, or none");
    return;
  }
  const bool bad = good != check.weights.size();
  check.check("safetensors-headers", bad ? CheckStatus::Failed : CheckStatus::Ok,
              fmt::format("{} of {} files, {} tensors, {}", good, check.weights.size(),
                          digits_grouped(tensors), size_words(bytes)),
              bad ? "the reference reader refuses the others" : "");
  check.check_by("allocated", {"weight-file-has-holes", "weight-file-zero-tail"},
                 "holes and zero ends of weight files");
}

void check_fakes_and_json(ModelCheck& check) {
  for (const WeightFile& file : check.weights)
    if (file.refused)
      if (Sniffed found = sniff(file.head, file.bytes); found.fake != Fake::None)
        check.fakes[file.name] = std::move(found);
  for (const FileEntry& e : check.entries)
    if (e.kind == FileKind::Dangling)
      check.add("hub-blob-missing", e.name, "leads to " + e.target + ", which is not there");
  for (const auto& [name, fake] : check.fakes)
    check.add(fake.fake == Fake::LfsPointer  ? "git-lfs-pointer-files"
              : fake.fake == Fake::ErrorPage ? "error-page-instead-of-file"
                                             : "empty-model-file",
              name, fake.what);
  check.check_by("contents",
                 {"git-lfs-pointer-files", "error-page-instead-of-file", "empty-model-file",
                  "hub-blob-missing"},
                 std::to_string(check.entries.size()) + " entries are what their names say");
  check.check_by("json-files", {"json-file-broken", "weight-index-broken"},
                 std::to_string(check.json.size()) + " files read");
}

void check_index_and_tensors(ModelCheck& check) {
  if (check.layout.index_file.empty()) {
    report_repeated(check, loaded_files(check));
    check.check("weight-index", check.weights.size() > 1 ? CheckStatus::Unknown : CheckStatus::Ok,
                "no index",
                check.weights.size() > 1 ? "without it a missing tensor cannot be seen" : "");
    return;
  }
  if (!check.index) {
    check.check("weight-index", CheckStatus::Failed, check.layout.index_file, "cannot be used");
    return;
  }
  report_missing_shards(check);
  for (const WeightFile& f : check.weights)
    if (!check.is_loaded(f.name))
      check.add("shard-not-in-index", f.name, "is not in the weight_map");
  if (!check.weights.empty()) {
    const std::vector<bool> loaded = loaded_files(check);
    compare_with_index(check, loaded);
    compare_total(check, loaded);
  }
  check.check_by("weight-index",
                 {"model-shard-missing", "tensor-not-where-index-says", "tensor-in-several-files"},
                 fmt::format("{} tensors in {} files", digits_grouped(check.index->tensors.size()),
                             check.index->files.size()));
}

}  // namespace rankdx
