#include "job/read.h"

#include <algorithm>
#include <thread>

#include "input/input.h"
#include "job/fold.h"

namespace rankdx {
namespace {

constexpr size_t kMaxFactsFile = size_t{1} << 30;
constexpr uint64_t kProgressStep = 1 << 20;

/// What one input gave.
struct Part {
  Facts facts;
  std::vector<LeftOut> left_out;
};

/// Looks at the first bytes and gives them again.
class PeekedSource : public ByteSource {
 public:
  explicit PeekedSource(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {
    while (head_.size() < kMagic.size() && !error_) {
      char buffer[8];
      auto got = source_->read(buffer, kMagic.size() - head_.size());
      if (!got) error_ = got.error();
      if (!got || *got == 0) break;
      head_.append(buffer, *got);
    }
  }
  bool is_facts() const { return head_ == kMagic; }
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
  std::unique_ptr<ByteSource> source_;
  std::string head_;
  size_t given_ = 0;
  std::optional<Error> error_;
};

class Folder {
 public:
  Folder(const LiteralSet& gate, ReadProgress* progress) : gate_(gate), progress_(progress) {}

  Part fold(const InputPath& path) const {
    Part part;
    open_input(path, [&](InputItem item) { fold_item(std::move(item), part); }, part.left_out);
    return part;
  }

 private:
  void fold_item(InputItem item, Part& part) const {
    PeekedSource source(std::move(item.bytes));
    if (source.is_facts()) return add_facts(item.name, source, part);
    SourceFold fold(item.name, gate_);
    LineReader reader(source);
    uint64_t told = 0;
    const auto read = reader.for_each_line([&](std::string_view line) {
      fold.line(line);
      if (reader.stats().bytes - told >= kProgressStep) tell(reader.stats().bytes, told);
    });
    const LineStats& stats = reader.stats();
    tell(stats.bytes, told);
    SourceFacts facts = fold.finish(stats.bytes, stats.overlong, !stats.ended_with_newline, read ? "" : to_string(read.error()));
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
        part.left_out.push_back({{ErrorCode::Unsupported, "is a facts file of more than 1 GiB", name, "merge fewer at once"}});
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

  void tell(uint64_t bytes, uint64_t& told) const {
    if (progress_) progress_->bytes += bytes - told;
    told = bytes;
  }

  const LiteralSet& gate_;
  ReadProgress* progress_;
};

/// A log without a byte is a fact as well: that process printed nothing.
void add_empty(const std::string& name, Facts& facts) {
  SourceFacts empty;
  empty.name = name;
  facts.sources.emplace(std::make_pair(name, empty.fingerprint), std::move(empty));
}

}  // namespace

ReadResult read_facts(const std::vector<std::string>& paths, const LiteralSet& gate, const ReadOptions& options) {
  std::vector<LeftOut> not_found;
  const std::vector<InputPath> inputs = list_inputs(paths, not_found);
  if (options.progress) options.progress->files_total = inputs.size();
  std::vector<Part> parts(inputs.size());
  std::atomic<size_t> next{0};
  const Folder folder(gate, options.progress);
  auto work = [&] {
    for (size_t i = next++; i < inputs.size(); i = next++) {
      parts[i] = folder.fold(inputs[i]);
      if (options.progress) ++options.progress->files;
    }
  };
  std::vector<std::thread> helpers;
  const int wanted = std::min<int>(options.threads, static_cast<int>(inputs.size()));
  for (int i = 1; i < wanted; ++i) helpers.emplace_back(work);
  work();
  for (std::thread& t : helpers) t.join();
  ReadResult result;
  for (LeftOut& l : not_found) result.left_out.push_back(std::move(l.error));
  for (Part& part : parts) {
    for (LeftOut& l : part.left_out) {
      if (l.error.code == ErrorCode::Empty) add_empty(l.error.place, part.facts);
      result.left_out.push_back(std::move(l.error));
    }
    result.facts.sources.merge(part.facts.sources);
  }
  return result;
}

}  // namespace rankdx
