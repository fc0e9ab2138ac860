#include "job/read.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>

#include "events/json_lines.h"
#include "events/kubernetes_document.h"
#include "input/block_reader.h"
#include "job/fold.h"
#include "job/json_source.h"
#include "job/pipeline.h"

namespace rankdx {
namespace {

constexpr size_t kMaxFactsFile = size_t{1} << 30;

/// What one input gave.
struct Part {
  Facts facts;
  uint64_t logs = 0;
  std::vector<LeftOut> left_out;
};

/// Looks at the first bytes and gives them again.
class PeekedSource : public ByteSource {
 public:
  explicit PeekedSource(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {
    fill(kMagic.size());
    // Only what begins like a document is looked at further: a log must not be held up.
    if (head_.find_first_of("{a-") < 3) fill(kDocumentHead);
  }
  bool is_facts() const { return head_ == kMagic; }
  DocumentForm document() const { return kubernetes_form(head_); }
  bool is_json_log() const { return rankdx::is_json_log(head_); }
  Result<size_t> read(char* buffer, size_t size) override {
    if (given_ < head_.size()) {
      const size_t n = head_.copy(buffer, size, given_);
      given_ += n;
      return n;
    }
    if (error_) return tl::unexpected(*std::exchange(error_, std::nullopt));
    return source_->read(buffer, size);
  }

 private:
  static constexpr std::string_view kMagic = "RDXF";
  static constexpr size_t kDocumentHead = 4096;

  void fill(size_t size) {
    char buffer[512];
    while (head_.size() < size && !error_) {
      auto got = source_->read(buffer, std::min(sizeof buffer, size - head_.size()));
      if (!got) error_ = got.error();
      if (!got || *got == 0) break;
      head_.append(buffer, *got);
    }
  }

  std::unique_ptr<ByteSource> source_;
  std::string head_;
  size_t given_ = 0;
  std::optional<Error> error_;
};

/// The threads of one reading. Each takes files of its own while there are any; whoever has none
/// left helps with the blocks of the files that the others are still at.
class Crew {
 public:
  explicit Crew(int threads) : size_(static_cast<size_t>(std::max(threads, 1))), busy_(size_) {}
  size_t size() const { return size_; }

  /// By the thread that has this file.
  void work(BlockPipeline& pipeline) {
    if (size_ == 1) return pipeline.work();
    Lock lock(mutex_);
    open_.push_back({&pipeline, 0});
    changed_.notify_all();
    lock.unlock();
    pipeline.work();
    lock.lock();
    auto here = [&] {
      return std::find_if(open_.begin(), open_.end(),
                          [&](const Open& o) { return o.pipeline == &pipeline; });
    };
    here()->closed = true;
    changed_.wait(lock, [&] { return here()->helpers == 0; });
    open_.erase(here());
  }

  /// By a thread without files: returns when all threads are without.
  void help() {
    Lock lock(mutex_);
    if (--busy_ == 0) changed_.notify_all();
    while (busy_ > 0) {
      auto least = open_.end();
      for (auto o = open_.begin(); o != open_.end(); ++o) {
        if (!o->closed && (least == open_.end() || o->helpers < least->helpers)) least = o;
      }
      if (least == open_.end()) {
        changed_.wait(lock);
        continue;
      }
      BlockPipeline* const pipeline = least->pipeline;
      ++least->helpers;
      lock.unlock();
      pipeline->work();
      lock.lock();
      // The list may have changed, but this entry waits for its helpers.
      for (Open& o : open_) {
        if (o.pipeline == pipeline) --o.helpers, o.closed = true;
      }
      changed_.notify_all();
    }
  }

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct Open {
    BlockPipeline* pipeline;
    int helpers;
    bool closed = false;
  };
  const size_t size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Open> open_;
  size_t busy_;  ///< threads that may still open files
};

class Folder {
 public:
  Folder(const LiteralSet& gate, const ReadOptions& options, Crew& crew)
      : gate_(gate), options_(options), crew_(crew), digesters_(gate) {}

  Part fold(const InputPath& path) {
    Part part;
    open_input(
        path, [&](InputItem item) { fold_item(std::move(item), part); }, part.left_out);
    return part;
  }

 private:
  void fold_item(InputItem item, Part& part) {
    PeekedSource source(std::move(item.bytes));
    if (source.is_facts()) return add_facts(item.name, source, part);
    ++part.logs;
    if (source.document() != DocumentForm::None) return fold_document(item.name, source, part);
    if (source.is_json_log())
      return fold_log(item.name, *json_log_source(source), part, Lines::Made);
    fold_log(item.name, source, part, Lines::OfTheFile);
  }

  static std::string whole_text(ByteSource& source, size_t most) {
    std::string text;
    std::vector<char> block(1 << 16);
    while (text.size() < most) {
      const auto got = source.read(block.data(), std::min(block.size(), most - text.size()));
      if (!got || *got == 0) break;  // cut: what is there counts
      text.append(block.data(), *got);
    }
    return text;
  }

  /// Objects that kubectl printed: read as the lines that they amount to.
  void fold_document(const std::string& name, PeekedSource& source, Part& part) {
    const DocumentForm form = source.document();
    const std::string text = whole_text(source, kMaxKubernetesDocument);
    const auto log = memory_source(kubernetes_as_log(text, form));
    fold_log(name, *log, part, Lines::Made);
  }

  enum class Lines : uint8_t { OfTheFile, Made };
  void fold_log(const std::string& name, ByteSource& source, Part& part, Lines lines) {
    SourceFold fold(name, gate_);
    BlockReader reader(source, options_.block_bytes);
    const BlockPipeline::Ends ends =
        folding(reader, fold, digesters_, options_.progress ? &options_.progress->bytes : nullptr,
                options_.times);
    const bool beside = options_.beside && lines == Lines::OfTheFile;
    BlockPipeline pipeline(beside ? options_.beside(name, ends) : ends, crew_.size() + 1);
    crew_.work(pipeline);
    const LineStats& stats = reader.stats();
    SourceFacts facts = fold.finish(stats.bytes, stats.overlong, !stats.ended_with_newline,
                                    pipeline.error() ? to_string(*pipeline.error()) : "");
    auto key = std::make_pair(facts.name, facts.fingerprint);
    part.facts.sources.insert_or_assign(std::move(key), std::move(facts));
  }

  static void add_facts(const std::string& name, ByteSource& source, Part& part) {
    std::string bytes;
    std::vector<char> block(1 << 16);
    while (true) {
      const auto got = source.read(block.data(), block.size());
      if (!got) return;  // open_input() says why
      if (*got == 0) break;
      bytes.append(block.data(), *got);
      if (bytes.size() > kMaxFactsFile) {
        part.left_out.push_back({{ErrorCode::Unsupported, "is a facts file of more than 1 GiB",
                                  name, "merge fewer at once"}});
        return;
      }
    }
    auto facts = deserialize(bytes);
    if (!facts) {
      Error error = facts.error();
      error.place = name;
      part.left_out.push_back({std::move(error)});
      return;
    }
    part.facts = merge(std::move(part.facts), *facts);
  }

  const LiteralSet& gate_;
  const ReadOptions& options_;
  Crew& crew_;
  Digesters digesters_;
};

/// Of all files together; 0 when that says nothing about the bytes that will be read.
uint64_t bytes_of(const std::vector<InputPath>& inputs) {
  uint64_t sum = 0;
  for (const InputPath& input : inputs) {
    for (std::string_view packed : {".gz", ".zst", ".xz", ".bz2", ".tar", ".tgz", ".zip", ".7z"}) {
      if (input.path.ends_with(packed)) return 0;
    }
    std::error_code unknown;
    const auto size = std::filesystem::file_size(input.path, unknown);
    if (unknown) return 0;
    sum += size;
  }
  return sum;
}

/// A log without a byte is a fact as well: that process printed nothing.
void add_empty(const std::string& name, Facts& facts) {
  SourceFacts empty;
  empty.name = name;
  facts.sources.emplace(std::make_pair(name, empty.fingerprint), std::move(empty));
}

}  // namespace

void settle_left_out(ReadResult& result) {
  std::set<LeftOutFacts> own;
  for (const Error& e : result.left_out) own.insert({e.place, e.text, e.hint, e.code});
  for (const LeftOutFacts& l : result.facts.left_out) {
    if (!own.count(l)) result.left_out.push_back({l.code, l.text, l.place, l.hint});
  }
  result.facts.left_out.merge(own);
}

ReadResult read_inputs(const std::vector<InputPath>& inputs, const LiteralSet& gate,
                       const ReadOptions& options) {
  if (options.progress) {
    options.progress->files_total = inputs.size();
    options.progress->bytes_total = bytes_of(inputs);
  }
  std::vector<Part> parts(inputs.size());
  std::atomic<size_t> next{0};
  Crew crew(options.threads);
  Folder folder(gate, options, crew);
  auto work = [&] {
    for (size_t i = next++; i < inputs.size(); i = next++) {
      parts[i] = folder.fold(inputs[i]);
      if (options.progress) ++options.progress->files;
    }
    crew.help();
  };
  std::vector<std::thread> helpers;
  for (size_t i = 1; i < crew.size(); ++i) helpers.emplace_back(work);
  work();
  for (std::thread& t : helpers) t.join();
  ReadResult result;
  for (size_t i = 0; i < parts.size(); ++i) {
    Part& part = parts[i];
    for (LeftOut& l : part.left_out) {
      if (l.error.code == ErrorCode::Empty) add_empty(l.error.place, part.facts);
      result.left_out.push_back(std::move(l.error));
      result.left_out_of.push_back(i);
    }
    result.logs += part.logs;
    // One content in two facts files is one source, whichever was read first (see merge()).
    result.facts = merge(std::move(result.facts), std::move(part.facts));
  }
  return result;
}

ReadResult read_facts(const std::vector<std::string>& paths, const LiteralSet& gate,
                      const ReadOptions& options) {
  std::vector<LeftOut> not_found;
  const std::vector<InputPath> inputs = list_inputs(paths, not_found);
  ReadResult result = read_inputs(inputs, gate, options);
  std::vector<Error> first;
  for (LeftOut& l : not_found) first.push_back(std::move(l.error));
  result.left_out.insert(result.left_out.begin(), first.begin(), first.end());
  result.left_out_of.clear();
  settle_left_out(result);
  return result;
}

}  // namespace rankdx
