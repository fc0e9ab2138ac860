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

/// Tensors of the files that are loaded; the number in `names` is the position in `file_of`.
struct Loaded {
  NameSet names;
  std::vector<uint32_t> file_of;  ///< per tensor, the position in check.weights
  std::vector<bool> files;        ///< per position in check.weights
};

Loaded loaded_tensors(ModelCheck& check) {
  Loaded loaded;
  loaded.files.assign(check.weights.size(), true);
  size_t tensors = 0;
  for (size_t i = 0; i < check.weights.size(); ++i) {
    if (check.index)
      loaded.files[i] = std::find(check.index->files.begin(), check.index->files.end(),
                                  check.weights[i].name) != check.index->files.end();
    if (check.weights[i].header) tensors += check.weights[i].header->tensors.size();
  }
  loaded.names.reserve(tensors);
  loaded.file_of.reserve(tensors);
  for (uint32_t i = 0; i < check.weights.size(); ++i) {
    if (!loaded.files[i] || !check.weights[i].header) continue;
    for (const HeaderTensor& t : check.weights[i].header->tensors) {
      const auto other = loaded.names.insert(t.name, static_cast<uint32_t>(loaded.file_of.size()));
      if (!other) {
        loaded.file_of.push_back(i);
        continue;
      }
      check.add(
          "tensor-in-several-files", check.weights[i].name,
          fmt::format("{} is also in {}", t.name, check.weights[loaded.file_of[*other]].name));
    }
  }
  return loaded;
}

/// Position in check.weights per file of the index; npos where the file is absent or has no usable
/// header.
std::vector<size_t> positions_of(ModelCheck& check) {
  std::vector<size_t> positions;
  for (const std::string_view file : check.index->files) {
    const auto it = std::find_if(check.weights.begin(), check.weights.end(),
                                 [&](const WeightFile& f) { return f.name == file; });
    const bool usable = it != check.weights.end() && it->header;
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

void compare_with_index(ModelCheck& check, const Loaded& loaded) {
  const WeightIndex& index = *check.index;
  const std::vector<size_t> positions = positions_of(check);
  std::vector<bool> named(loaded.file_of.size(), false);
  NameSet absent;
  // The last of equal keys counts, as in Python.
  for (auto it = index.tensors.rbegin(); it != index.tensors.rend(); ++it) {
    const auto found = loaded.names.find(it->first);
    if (found ? named[*found] : absent.insert(it->first, 0).has_value()) continue;
    if (found) named[*found] = true;
    const size_t position = positions[it->second];
    if (position == std::string::npos || (found && loaded.file_of[*found] == position)) continue;
    // A tensor that stands in two files is reported as that, unless the named one lacks it.
    const auto& tensors = check.weights[position].header->tensors;
    if (found && std::any_of(tensors.begin(), tensors.end(),
                             [&](const HeaderTensor& t) { return t.name == it->first; }))
      continue;
    check.add(
        "tensor-not-where-index-says", std::string(index.files[it->second]),
        found ? fmt::format("{} is in {}", it->first, check.weights[loaded.file_of[*found]].name)
              : fmt::format("{} is in no file that was read", it->first));
  }
  for (size_t i = 0; i < named.size(); ++i)
    if (!named[i])
      check.add("tensor-not-in-index", check.weights[loaded.file_of[i]].name,
                std::string(loaded.names.at(i)));
}

void compare_total(ModelCheck& check, const Loaded& loaded) {
  uint64_t seen = 0;
  for (size_t i = 0; i < check.weights.size(); ++i) {
    if (!loaded.files[i]) continue;
    if (!check.weights[i].header) return;  // nothing can be said
    seen += check.weights[i].header->data_bytes;
  }
  const auto said = check.index->total_size;
  if (!said || *said == seen || check.problems.has("model-shard-missing")) return;
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
    loaded_tensors(check);
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
    if (std::find(check.index->files.begin(), check.index->files.end(), f.name) ==
        check.index->files.end())
      check.add("shard-not-in-index", f.name, "is not in the weight_map");
  if (!check.weights.empty()) {
    const Loaded loaded = loaded_tensors(check);
    compare_with_index(check, loaded);
    compare_total(check, loaded);
  }
  check.check_by("weight-index",
                 {"model-shard-missing", "tensor-not-where-index-says", "tensor-in-several-files"},
                 fmt::format("{} tensors in {} files", digits_grouped(check.index->tensors.size()),
                             check.index->files.size()));
}

}  // namespace rankdx
