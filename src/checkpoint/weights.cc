#include "checkpoint/weights.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "checkpoint/json_scanner.h"
#include "checkpoint/name_set.h"
#include "checkpoint/parallel.h"
#include "checkpoint/sniff.h"
#include "checkpoint/text_buffer.h"

namespace rankdx {
namespace {

/// Headers beyond this are read one at a time: sixteen hostile ones together would take 1.6 GB.
constexpr uint64_t kLargeHeader = 8u << 20;

bool all_zero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

class IndexReader {
 public:
  explicit IndexReader(WeightIndex& index)
      : index_(index), json({index.text.get(), index.bytes}, JsonDialect::Python, 200) {}

  bool all() {
    std::string_view key;
    bool has_map = false;
    if (!json.begin_object()) return false;
    while (json.next_member(key)) {
      if (key == "weight_map") {
        has_map = true;
        if (!weight_map()) return false;
      } else if (key == "metadata" && json.peek() == JsonType::Object) {
        if (!metadata()) return false;
      } else if (!json.skip()) {
        return false;
      }
    }
    if (json.failed() || !json.end()) return false;
    return has_map || json.fail("has no weight_map");
  }

 private:
  bool metadata() {
    std::string_view key;
    JsonNumber number;
    if (!json.begin_object()) return false;
    while (json.next_member(key)) {
      if (key != "total_size" || json.peek() != JsonType::Number) {
        if (!json.skip()) return false;
        continue;
      }
      if (!json.number(number)) return false;
      if (number.integer && !number.negative) index_.total_size = number.magnitude;
    }
    return !json.failed();
  }

  bool weight_map() {
    std::string_view name, file;
    if (!json.begin_object()) return false;
    index_.tensors.clear();
    index_.tensors.reserve(index_.bytes / 100);
    while (json.next_member(name)) {
      if (!json.string(file)) return false;
      // Maps are written in order of layers, so the file is mostly the one before.
      if (index_.files.empty() || index_.files[last_] != file) {
        const auto known = seen_.insert(file, static_cast<uint32_t>(index_.files.size()));
        last_ = known ? *known : index_.files.size();
        if (!known) index_.files.push_back(file);
      }
      index_.tensors.emplace_back(name, static_cast<uint32_t>(last_));
    }
    return !json.failed();
  }

  WeightIndex& index_;
  NameSet seen_;
  size_t last_ = 0;

 public:
  JsonScanner json;
};

}  // namespace

/// Errors: reading failed.
Result<void> WeightReader::read_open(const OpenFile& file, WeightFile& to) {
  char prefix[8];
  const std::string_view first(prefix, RANKDX_TRY(file.read(prefix, sizeof prefix, 0)));
  const auto length = safetensors_header_length(first, file.bytes());
  SafetensorsResult result = tl::unexpected(SafetensorsError{});
  if (!length) {
    result = tl::unexpected(length.error());
  } else {
    std::unique_lock<std::mutex> gate(large_, std::defer_lock);
    if (*length > kLargeHeader) gate.lock();
    const auto text = text_buffer(*length);
    if (!text) return fail(ErrorCode::Internal, "no memory for its header", to.name);
    if (RANKDX_TRY(file.read(text.get(), *length, sizeof prefix)) < *length)
      return fail(ErrorCode::Unreadable, "became shorter while it was read", to.name);
    result = parse_safetensors_header(text, *length, file.bytes());
  }
  if (!result) {
    to.refused = std::move(result.error());
    to.head.resize(std::min<uint64_t>(kSniffBytes, file.bytes()));
    to.head.resize(RANKDX_TRY(file.read(to.head.data(), to.head.size(), 0)));
    return {};
  }
  to.header = std::move(*result);
  // A file with holes is reported as such; its end need not be looked at.
  if (tail_ == TailCheck::Skip || to.first_hole < to.bytes ||
      to.header->data_bytes < 2 * WeightFile::kTail)
    return {};
  thread_local const std::unique_ptr<char[]> tail(new char[WeightFile::kTail]);
  const size_t size =
      RANKDX_TRY(file.read(tail.get(), WeightFile::kTail, file.bytes() - WeightFile::kTail));
  to.zero_tail = all_zero({tail.get(), size});
  return {};
}

void WeightReader::read(WeightFile& to) {
  const auto file = files_.open(path_join(directory_, to.name));
  if (!file) {
    to.unreadable = file.error();
    return;
  }
  to.bytes = (*file)->bytes();
  to.first_hole = (*file)->first_hole();
  if (const auto done = read_open(**file, to); !done) to.unreadable = done.error();
}

Result<WeightIndex> parse_weight_index(std::string_view text, std::string_view file) {
  const auto copy = text_buffer(text.size());
  if (!copy) return fail(ErrorCode::Internal, "no memory for it", std::string(file));
  std::copy(text.begin(), text.end(), copy.get());
  return parse_weight_index(copy, text.size(), file);
}

Result<WeightIndex> parse_weight_index(std::shared_ptr<const char[]> text, size_t bytes,
                                       std::string_view file) {
  WeightIndex index;
  index.file = file;
  index.text = std::move(text);
  index.bytes = bytes;
  const std::string_view all(index.text.get(), bytes);
  const auto corrupt = [&](const std::string& what, JsonPlace at) {
    return fail(ErrorCode::Corrupt, what,
                index.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column));
  };
  if (const size_t bad = first_invalid_utf8(all); bad != std::string_view::npos)
    return corrupt("is not UTF-8", place_in(all, bad));
  IndexReader reader(index);
  if (!reader.all()) {
    const JsonError error = reader.json.error();
    return corrupt("is not a usable index: " + error.text, error.place);
  }
  index.decoded = reader.json.take_decoded();
  return index;
}

std::vector<WeightFile> read_weight_headers(const FileAccess& files, const std::string& directory,
                                            const std::vector<std::string>& names, TailCheck tail) {
  std::vector<WeightFile> result(names.size());
  WeightReader reader(files, directory, tail);
  parallel_for(names.size(), kReaderThreads, [&](size_t i) {
    result[i].name = names[i];
    reader.read(result[i]);
  });
  return result;
}

std::vector<std::string> files_to_load(const WeightIndex& index, const ModelLayout& layout) {
  const std::set<std::string_view> named(index.files.begin(), index.files.end());
  std::vector<std::string> names;
  for (const auto* set : {&layout.weight_files, &layout.other_weights})
    for (const std::string& name : *set)
      if (named.contains(name)) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

Result<Weights> read_weights(const FileAccess& files, const std::string& directory,
                             const LoaderVersion& version) {
  const auto entries = RANKDX_TRY(files.list(directory));
  Weights weights;
  weights.layout = choose_layout(entries, version);
  std::vector<std::string> names = weights.layout.weight_files;
  if (!weights.layout.index_file.empty()) {
    const std::string& name = weights.layout.index_file;
    const std::string text =
        RANKDX_TRY(read_file(files, path_join(directory, name), kMostIndexBytes));
    weights.index = RANKDX_TRY(parse_weight_index(text, name));
    names = files_to_load(*weights.index, weights.layout);
  }
  if (weights.layout.weights == WeightFormatOnDisk::Safetensors ||
      weights.layout.weights == WeightFormatOnDisk::Consolidated)
    weights.files = read_weight_headers(files, directory, names);
  return weights;
}

}  // namespace rankdx
