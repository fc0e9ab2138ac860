// A source line by line: for lines that hang on those before them. Internal to the room; one per
// source, not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bundle/message_judge.h"
#include "scan/scanner.h"

namespace rankdx {

/// writer_key() of a message as it comes from a scanner.
std::string writer_key(const Envelope& message);

class LineFilter : private MessageSink {
 public:
  /// `counts`: to be filled, or nullptr. All of them outlive the filter.
  LineFilter(const FilterOptions& options, const RankOf& ranks, VolumeCounts* counts)
      : ranks_(ranks), counts_(counts), judge_(options) {}

  /// Whether this physical line, the next one of the source, says something that is wanted.
  bool wants(std::string_view line);
  SourceMemory& memory() { return scanner_.memory(); }
  bool is_in_time() const { return judge_.is_in_time(); }
  /// From other lines, which were read elsewhere.
  void set_time(int64_t time_us) { judge_.last_time = time_us; }

 private:
  void on_message(const Envelope& message, std::string_view line) override;
  int rank(const Envelope& message);

  const RankOf& ranks_;
  VolumeCounts* counts_;
  MessageJudge judge_;
  Scanner scanner_;
  bool wanted_ = false;
  std::vector<int> rank_of_writer_;
};

}  // namespace rankdx
