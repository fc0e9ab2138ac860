// Everything is opened here, in parallel: on a network file system a check is as slow as its opens
// are one after another.
#include <algorithm>
#include <mutex>

#include "checkpoint/check_parts.h"
#include "checkpoint/json_scanner.h"
#include "checkpoint/parallel.h"
#include "checkpoint/text_buffer.h"

namespace rankdx {
namespace {

constexpr size_t kMostJsonFiles = 256;
/// Larger ones (tokenizer.json, vocab.json) are checked without a tree; only their top keys are
/// kept.
constexpr uint64_t kMostTreeBytes = 2u << 20;
constexpr uint64_t kMostJsonBytes = 128u << 20;
constexpr uint64_t kMostPythonBytes = 1u << 20;
/// Read one at a time beyond this, so that memory stays bounded.
constexpr uint64_t kLarge = 8u << 20;

bool wants_tail(const FileEntry& e) { return e.name.ends_with(".bin") || e.name.ends_with(".pt"); }

bool wants_head(const FileEntry& e) {
  static constexpr std::string_view kEndings[] = {".bin",      ".pt",    ".gguf", ".model",
                                                  ".tiktoken", ".jinja", ".txt",  ".py"};
  return e.name.find("tokenizer.model") == 0 ||
         std::any_of(std::begin(kEndings), std::end(kEndings),
                     [&](std::string_view ending) { return e.name.ends_with(ending); });
}

/// Read by every start that has them; a broken one of another name is at most a loss.
bool stops_start(std::string_view name) {
  static constexpr std::string_view kNames[] = {"config.json",           "params.json",
                                                "tokenizer_config.json", "special_tokens_map.json",
                                                "added_tokens.json",     "preprocessor_config.json",
                                                "processor_config.json", "adapter_config.json",
                                                "hf_quant_config.json",  "quantize_config.json",
                                                "quant_config.json",     "vocab.json"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

/// What one file gave; merged into the check afterwards, by one thread.
struct Read {
  enum class Kind : uint8_t { Json, Head, Index } kind = Kind::Json;
  const FileEntry* entry = nullptr;
  JsonFile json;
  std::optional<Error> error;
  JsonPlace place;
  bool corrupt = false;
  Sniffed sniffed;
  std::string note;                  ///< Head: what is wrong with a .bin, .pt or .gguf
  std::vector<std::string> imports;  ///< Head: of a .py
  std::optional<WeightIndex> index;
};

/// A tree whose values below the top are left out: {"model": {}, ...} tells which keys are there.
Result<JsonValue> top_keys(const std::string& text, std::string_view name, JsonPlace& place) {
  JsonScanner json(text, JsonDialect::Python, 200);
  std::string top = "{";
  std::string_view key;
  bool good = json.begin_object();
  while (good && json.next_member(key)) {
    // Keys of interest are plain; others need not be told apart.
    const bool plain = key.find_first_of("\"\\\n") == std::string_view::npos && key.size() < 64;
    const bool object = json.peek() == JsonType::Object;
    good = json.skip();
    if (plain && top.size() < 65536)
      top += (top.size() > 1 ? ",\"" : "\"") + std::string(key) + (object ? "\":{}" : "\":true");
  }
  if (good && !json.failed() && json.end() && first_invalid_utf8(text) == std::string_view::npos)
    return parse_json_tree(top + "}", name);
  return parse_json_tree(text, name, &place);  // for the words and the place of the error
}

void read_json(const ModelCheck& check, Read& read, std::mutex& large) {
  const std::string path = path_join(check.directory, read.entry->name);
  std::unique_lock<std::mutex> gate(large, std::defer_lock);
  if (read.entry->bytes > kLarge) gate.lock();
  auto text = read_file(check.files, path, kMostJsonBytes);
  if (!text) {
    read.error = text.error();
    return;
  }
  read.sniffed = sniff(std::string_view(*text).substr(0, kSniffBytes), text->size());
  if (read.sniffed.fake != Fake::None) return;
  auto root = text->size() > kMostTreeBytes ? top_keys(*text, read.entry->name, read.place)
                                            : parse_json_tree(*text, read.entry->name, &read.place);
  if (!root) {
    read.error = root.error();
    read.corrupt = true;
    return;
  }
  read.json.name = read.entry->name;
  read.json.root = std::move(*root);
}

/// Of a Python file of which `head` is the beginning; of its first megabyte.
std::vector<std::string> imports_of(const OpenFile& file, std::string text) {
  if (file.bytes() > text.size()) {
    const size_t begun = text.size();
    text.resize(std::min<uint64_t>(file.bytes(), kMostPythonBytes));
    const auto rest = file.read(text.data() + begun, text.size() - begun, begun);
    text.resize(begun + (rest ? *rest : 0));
  }
  return relative_imports(text);
}

void read_head(const ModelCheck& check, Read& read) {
  const auto file = check.files.open(path_join(check.directory, read.entry->name));
  if (!file) {
    read.error = file.error();
    return;
  }
  std::string head(std::min<uint64_t>(kSniffBytes, (*file)->bytes()), '\0');
  const auto got = (*file)->read(head.data(), head.size(), 0);
  if (!got) {
    read.error = got.error();
    return;
  }
  head.resize(*got);
  read.sniffed = sniff(head, (*file)->bytes());
  if (read.sniffed.fake != Fake::None) return;
  if (read.entry->name.ends_with(".gguf") && !head.starts_with("GGUF"))
    read.note = "begins with other bytes than GGUF";
  if (read.entry->name.ends_with(".py")) read.imports = imports_of(**file, head);
  if (!wants_tail(*read.entry) || !head.starts_with("PK\x03\x04")) return;
  // The directory of a zip archive stands at its end, behind a comment of at most 65,535 bytes.
  std::string tail(std::min<uint64_t>(66'000, (*file)->bytes()), '\0');
  const auto end = (*file)->read(tail.data(), tail.size(), (*file)->bytes() - tail.size());
  if (end && tail.find("PK\x05\x06") == std::string::npos)
    read.note = "begins as an archive, but " + digits_grouped((*file)->bytes()) +
                " bytes end without its directory";
}

/// The text, in one piece of memory that the index keeps.
Result<std::pair<std::shared_ptr<const char[]>, size_t>> index_text(const ModelCheck& check,
                                                                    const std::string& name) {
  const auto file = RANKDX_TRY(check.files.open(path_join(check.directory, name)));
  if (file->bytes() > kMostIndexBytes)
    return fail(ErrorCode::Unsupported, "is too large for an index", name);
  const auto text = text_buffer(file->bytes());
  if (!text) return fail(ErrorCode::Internal, "no memory for it", name);
  const size_t bytes = RANKDX_TRY(file->read(text.get(), file->bytes(), 0));
  return std::pair(std::shared_ptr<const char[]>(text), bytes);
}

void read_index(const ModelCheck& check, Read& read) {
  const auto text = index_text(check, read.entry->name);
  if (!text) {
    read.error = text.error();
    return;
  }
  const auto& [bytes, size] = *text;
  read.sniffed = sniff({bytes.get(), std::min(size, kSniffBytes)}, size);
  if (read.sniffed.fake != Fake::None) return;
  auto index = parse_weight_index(bytes, size, read.entry->name);
  if (!index) {
    read.error = index.error();
    read.corrupt = true;
  } else {
    read.index = std::move(*index);
  }
}

std::vector<Read> reads_of(const ModelCheck& check) {
  std::vector<Read> reads;
  const auto add = [&](Read::Kind kind, const FileEntry& e) {
    Read& read = reads.emplace_back();
    read.kind = kind;
    read.entry = &e;
  };
  // The index first: it is the longest piece of work.
  if (const FileEntry* e = find_file(check.entries, check.layout.index_file))
    add(Read::Kind::Index, *e);
  size_t json_files = 0;
  for (const FileEntry& e : check.entries) {
    if (e.kind != FileKind::File || e.name == check.layout.index_file) continue;
    if (e.name.ends_with(".json")) {
      if (++json_files <= kMostJsonFiles) add(Read::Kind::Json, e);
    } else if (wants_head(e)) {
      add(Read::Kind::Head, e);
    }
  }
  return reads;
}

bool reads_safetensors(const ModelLayout& layout) {
  return layout.weights == WeightFormatOnDisk::Safetensors ||
         layout.weights == WeightFormatOnDisk::Consolidated ||
         layout.weights == WeightFormatOnDisk::AdapterOnly;
}

void keep(ModelCheck& check, Read& read) {
  const std::string& name = read.entry->name;
  if (read.sniffed.fake != Fake::None) {
    check.fakes[name] = read.sniffed;
    check.index_broken |= read.kind == Read::Kind::Index;
    return;
  }
  if (read.error && read.corrupt) {
    const auto column = static_cast<uint32_t>(std::min<uint64_t>(read.place.column, UINT32_MAX));
    if (read.kind == Read::Kind::Index) {
      check.index_broken = true;
      check.add("weight-index-broken", name, read.error->place + ": " + read.error->text);
    } else if (name == "tokenizer.json" || name == "tekken.json") {
      check.add("tokenizer-file-broken", name, read.error->text,
                {{"detail", name + " cannot be read, and it is preferred to any other form."}},
                read.place.line, column);
    } else {
      const Severity severity = stops_start(name) ? Severity::Error : Severity::Warning;
      check.problems.add_as(severity, "json-file-broken", name, read.error->text, check.names(),
                            read.place.line, column);
    }
    return;
  }
  if (read.error) {
    check.index_broken |= read.kind == Read::Kind::Index;
    check.add("model-files-not-readable", name, read.error->text, {{"who", "This process"}});
    return;
  }
  if (!read.note.empty())
    check.add(name.ends_with(".gguf") ? "gguf-corrupt" : "pickle-file-truncated", name, read.note);
  if (!read.imports.empty()) check.imports.emplace(name, std::move(read.imports));
  if (read.kind == Read::Kind::Json) check.json.emplace(name, std::move(read.json));
  if (read.kind == Read::Kind::Index) check.index = std::move(read.index);
}

}  // namespace

void read_model_files(ModelCheck& check) {
  std::vector<Read> reads = reads_of(check);
  std::vector<std::string> shards;
  if (reads_safetensors(check.layout)) {
    for (const std::string& name : check.layout.weight_files)
      if (find_file(check.entries, name) != nullptr) shards.push_back(name);
  }
  check.weights.resize(shards.size());
  WeightReader weights(check.files, check.directory, TailCheck::Look);
  std::mutex large;
  parallel_for(reads.size() + shards.size(), check.options.reader_threads, [&](size_t i) {
    if (i >= reads.size()) {
      const size_t shard = i - reads.size();
      check.weights[shard].name = shards[shard];
      weights.read(check.weights[shard]);
      return;
    }
    switch (reads[i].kind) {
      case Read::Kind::Json:
        read_json(check, reads[i], large);
        break;
      case Read::Kind::Head:
        read_head(check, reads[i]);
        break;
      case Read::Kind::Index:
        read_index(check, reads[i]);
        break;
    }
  });
  for (Read& read : reads) keep(check, read);
  if (check.index) check.index_files = {check.index->files.begin(), check.index->files.end()};
}

}  // namespace rankdx
