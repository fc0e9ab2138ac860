#include <algorithm>

#include "base/text.h"
#include "cluster/ras.h"

namespace rankdx {
namespace {

// A job of 100,000 ranks prints about 10 MB; more lines than this are not read.
constexpr size_t kMaxLines = 1'000'000;
constexpr size_t kMaxNamed = 200'000;

/// Takes one word off the front.
std::string_view word(std::string_view& text) {
  text = trim(text);
  size_t end = 0;
  while (end < text.size() && !is_space(text[end])) ++end;
  const std::string_view out = text.substr(0, end);
  text.remove_prefix(end);
  return out;
}

int number(std::string_view text, int otherwise = 0) {
  return parse_int<int>(text).value_or(otherwise);
}

/// The text behind `mark`, or nothing.
std::optional<std::string_view> after(std::string_view text, std::string_view mark) {
  const size_t at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  return text.substr(at + mark.size());
}

/// "0", "0,1", "0-3" or "0 (NVML 1)": the CUDA ordinals.
std::vector<int> gpu_list(std::string_view text) {
  std::vector<int> out;
  size_t at = 0;
  auto digits = [&] {
    const size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return number(text.substr(from, at - from), -1);
  };
  while (at < text.size() && is_digit(text[at]) && out.size() < 64) {
    const int first = digits();
    int last = first;
    if (at + 1 < text.size() && text[at] == '-' && is_digit(text[at + 1])) ++at, last = digits();
    for (int gpu = first; gpu >= 0 && gpu <= last && out.size() < 64; ++gpu) out.push_back(gpu);
    while (at < text.size() && (text[at] == ',' || text[at] == ' ') && at + 1 < text.size() &&
           (is_digit(text[at + 1]) || text[at + 1] == ' '))
      ++at;
  }
  return out;
}

/// "Process 250 on node 10.244.2.21 managing GPU 1"
std::optional<RasProcess> process_line(std::string_view line) {
  if (!line.starts_with("Process ")) return std::nullopt;
  line.remove_prefix(8);
  RasProcess p;
  p.pid = number(word(line), -1);
  const auto node = after(line, "on node ");
  if (p.pid < 0 || !node) return std::nullopt;
  std::string_view rest = *node;
  p.host = word(rest);
  if (auto gpu = after(rest, "managing GPU")) {
    if (gpu->starts_with("s")) gpu->remove_prefix(1);
    p.gpus = gpu_list(trim(*gpu));
  }
  return p;
}

/// "Rank 3 <what> -- GPU 1 managed by process 250 on node 10.244.2.21"; 2.24 prints nothing behind
/// the dashes.
std::optional<RasRank> rank_line(std::string_view line, std::string_view& what) {
  if (!line.starts_with("Rank ")) return std::nullopt;
  line.remove_prefix(5);
  RasRank r;
  r.rank = number(word(line), -1);
  if (r.rank < 0) return std::nullopt;
  const size_t dashes = line.find("-- ");
  what = trim(line.substr(0, dashes));
  if (dashes == std::string_view::npos) return r;
  std::string_view who = line.substr(dashes + 3);
  if (auto gpu = after(who, "GPU ")) {
    const auto list = gpu_list(*gpu);
    if (!list.empty()) r.gpu = list.front();
  }
  if (auto pid = after(who, "process ")) r.pid = number(word(*pid), -1);
  if (auto node = after(who, "on node ")) r.host = word(*node);
  return r;
}

enum class Section : uint8_t { Head, Summary, Communicators, Errors, Warnings };
enum class Block : uint8_t { None, Incomplete, Dead, Timeout, Communicator };

class TextParser {
 public:
  Result<RasAnswer> parse(std::string_view text) {
    size_t lines = 0;
    while (!text.empty() && lines++ < kMaxLines) {
      std::string_view line = take_until(text, '\n', text);
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      read_line(line);
    }
    if (answer_.nccl_version.empty())
      return fail(ErrorCode::Corrupt, "is no answer of NCCL's RAS service");
    answer_.whole = section_ == Section::Warnings;
    return std::move(answer_);
  }

 private:
  void read_line(std::string_view line) {
    if (line.starts_with("NCCL version ")) return head(line);
    if (line == "Job summary") return enter(Section::Summary);
    if (line.starts_with("Communicators...")) {
      if (auto seconds = after(line, "("))
        answer_.seconds = parse_double(take_until(*seconds, 's', line)).value_or(0);
      return enter(Section::Communicators);
    }
    if (line == "Errors" || line == "Errors:") return enter(Section::Errors);
    if (line == "Warnings" || line == "Warnings:") return enter(Section::Warnings);
    switch (section_) {
      case Section::Summary:
        return summary(line);
      case Section::Communicators:
        return table_row(line);
      case Section::Errors:
      case Section::Warnings:
        return detail(line);
      default:
        return;
    }
  }

  void enter(Section section) {
    section_ = section;
    block_ = Block::None;
  }

  void head(std::string_view line) {
    line.remove_prefix(13);
    answer_.nccl_version = word(line);
    if (auto cuda = after(line, "CUDA ")) answer_.cuda_version = word(*cuda);
  }

  /// Rows of numbers only. One table of five columns; uneven jobs have several of other widths, the
  /// last with totals.
  void summary(std::string_view line) {
    std::vector<int> numbers;
    while (!(line = trim(line)).empty()) {
      const auto value = parse_int<int>(word(line));
      if (!value || numbers.size() >= 8) return;
      numbers.push_back(*value);
    }
    if (numbers.size() == 5) {
      answer_.nodes = numbers[0], answer_.processes = numbers[3], answer_.gpus = numbers[4];
    } else if (numbers.size() == 3) {
      answer_.nodes = numbers[0], answer_.processes = numbers[1], answer_.gpus = numbers[2];
    }
  }

  void table_row(std::string_view line) {
    RasGroup g;
    std::string_view rest = line;
    const auto group = parse_int<int>(word(rest));
    if (!group || answer_.groups.size() >= kMaxNamed) return;
    g.group = *group;
    g.communicators = number(word(rest));
    g.nodes = number(word(rest));
    word(rest);  // ranks per node, perhaps "1-2"
    g.ranks_per_communicator = number(word(rest));
    g.ranks = number(word(rest));
    g.status = word(rest);
    g.errors = word(rest);
    if (!g.errors.empty()) answer_.groups.push_back(std::move(g));
  }

  void detail(std::string_view line) {
    if (line.empty()) return;
    if (line[0] == '#') return communicator(line);
    if (line[0] != ' ') {
      block_ = line == "INCOMPLETE" ? Block::Incomplete
               : line == "DEAD"     ? Block::Dead
               : line == "TIMEOUT"  ? Block::Timeout
                                    : Block::None;
      return;
    }
    line = trim(line);
    if (block_ == Block::Timeout && line.starts_with("Encountered ")) {
      line.remove_prefix(12);
      answer_.timeouts = number(word(line));
    } else if (block_ == Block::Incomplete || block_ == Block::Dead) {
      auto process = process_line(line);
      if (!process || answer_.lost.size() >= kMaxNamed) return;
      process->dead = block_ == Block::Dead;
      answer_.lost.push_back(std::move(*process));
    } else if (block_ == Block::Communicator && !answer_.communicators.empty()) {
      communicator_line(line);
    }
  }

  /// "#0-0 (b5cf200af329b5f1) INCOMPLETE"
  void communicator(std::string_view line) {
    block_ = Block::None;
    std::string_view rest = line.substr(1);
    const int group = number(take_until(rest, '-', rest), -1);
    auto hash = after(line, "(");
    if (!hash || answer_.communicators.size() >= kMaxNamed) return;
    std::string_view kind;
    const std::string_view name = take_until(*hash, ')', kind);
    RasCommunicator& c = communicator_of(name, group);
    kind = trim(kind);
    kind_ = kind;
    (kind == "INCOMPLETE" ? c.incomplete : kind == "ERROR" ? c.error : c.mismatch) = true;
    collective_.clear();
    block_ = Block::Communicator;
  }

  RasCommunicator& communicator_of(std::string_view name, int group) {
    auto& all = answer_.communicators;
    const auto value = parse_hex(name);
    std::string hash(name);
    if (value) hash = std::string(name.size() < 16 ? 16 - name.size() : 0, '0') + hash;
    auto found = std::find_if(all.begin(), all.end(),
                              [&](const RasCommunicator& c) { return c.hash == hash; });
    if (found != all.end()) {
      std::rotate(found, found + 1, all.end());  // the one being described stands last
      return all.back();
    }
    RasCommunicator c;
    c.hash = std::move(hash);
    for (const RasGroup& g : answer_.groups) {
      if (g.group == group) c.size = g.ranks_per_communicator;
    }
    all.push_back(std::move(c));
    return all.back();
  }

  RasRank& named(RasCommunicator& c, RasRank rank) {
    for (RasRank& r : c.ranks) {
      if (r.rank == rank.rank) return r;
    }
    c.ranks.push_back(std::move(rank));
    return c.ranks.back();
  }

  void communicator_line(std::string_view line) {
    RasCommunicator& c = answer_.communicators.back();
    std::string_view what;
    if (auto rank = rank_line(line, what)) {
      if (c.ranks.size() < kMaxNamed) rank_says(named(c, std::move(*rank)), what);
      return;
    }
    if (auto different = after(line, "have different ")) {
      if (different->ends_with("operation counts")) {
        collective_ = word(*different);
        if (collective_ == "collective") collective_.clear();
      }
      return;
    }
    if (auto missing = after(line, "Missing communicator data from ")) {
      c.missing_count = number(word(*missing));
      return;
    }
    if (auto missing = after(line, "missing rank")) return old_missing(c, *missing);
    RasCrowd crowd;
    std::string_view rest = line;
    crowd.ranks = number(word(rest), -1);
    if (crowd.ranks < 0) return;
    crowd.collective = collective_;
    if (auto count = after(rest, "up to operation ")) {
      crowd.count = parse_int<uint64_t>(word(*count)).value_or(0);
    } else if (rest.find("not launched") == std::string_view::npos) {
      return;
    }
    c.crowds.push_back(std::move(crowd));
  }

  void rank_says(RasRank& r, std::string_view what) {
    if (kind_ == "INCOMPLETE") {
      r.missing = true;
      r.dead = std::any_of(answer_.lost.begin(), answer_.lost.end(), [&](const RasProcess& p) {
        return p.dead && p.pid == r.pid && p.host == r.host;
      });
    } else if (auto status = after(what, "has status ")) {
      r.status = word(*status);
    } else if (auto count = after(what, "up to operation ")) {
      r.counts[collective_] = parse_int<uint64_t>(word(*count)).value_or(0);
    } else if (what.find("not launched any") != std::string_view::npos) {
      r.counts[collective_] = 0;
    } else if (auto error = after(what, "reported ")) {
      r.error = std::string(trim(*error));
    }
  }

  /// 2.24 and 2.25: "The missing rank: 21", "The missing ranks: 3, 4".
  void old_missing(RasCommunicator& c, std::string_view list) {
    if (auto numbers = after(list, ":")) {
      for (std::string_view one : split(*numbers, ',')) {
        const int rank = number(trim(one), -1);
        if (rank < 0 || c.ranks.size() >= kMaxNamed) return;
        RasRank r;
        r.rank = rank;
        named(c, std::move(r)).missing = true;
      }
    }
  }

  RasAnswer answer_;
  Section section_ = Section::Head;
  Block block_ = Block::None;
  std::string_view kind_;
  std::string collective_;
};

}  // namespace

Result<RasAnswer> parse_ras_text(std::string_view text) { return TextParser().parse(text); }

Result<RasAnswer> parse_ras(std::string_view text) {
  const std::string_view start = trim(text);
  if (start.empty()) return fail(ErrorCode::Empty, "is empty");
  return start.front() == '{' ? parse_ras_json(start) : parse_ras_text(start);
}

std::vector<RasAnswer> find_ras_answers(std::string_view text) {
  constexpr size_t kMaxAnswers = 64;
  std::vector<size_t> starts;
  for (size_t at = 0; starts.size() <= kMaxAnswers; ++at) {
    const size_t version = text.find("NCCL version ", at);
    const size_t json = text.find("\"nccl_version\"", at);
    at = std::min(version, json);
    if (at == std::string_view::npos) break;
    if (at == json) {
      const size_t brace = text.rfind('{', at);
      if (brace != std::string_view::npos && (starts.empty() || brace > starts.back()))
        starts.push_back(brace);
    } else if (const std::string_view line = text.substr(at, text.find('\n', at) - at);
               line.find(" compiled with CUDA") != std::string_view::npos) {
      starts.push_back(at);
    }
  }
  std::vector<RasAnswer> out;
  for (size_t i = 0; i < starts.size() && out.size() < kMaxAnswers; ++i) {
    const size_t end = i + 1 < starts.size() ? starts[i + 1] : text.size();
    std::string_view part = text.substr(starts[i], end - starts[i]);
    if (part.front() == '{')
      part = part.substr(
          0, part.find("\n}") == std::string_view::npos ? part.size() : part.find("\n}") + 2);
    // "NCCL version 2.x compiled with CUDA" also stands in logs; an answer has a job summary.
    auto answer = parse_ras(part);
    if (answer && (answer->form == RasAnswer::Form::Json || answer->nodes || answer->whole))
      out.push_back(std::move(*answer));
  }
  return out;
}

}  // namespace rankdx
