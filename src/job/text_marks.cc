#include "job/text_marks.h"

#include <string>
#include <vector>

#include "events/phases.h"
#include "events/python.h"
#include "scan/literal_set.h"

namespace rankdx {
namespace {

constexpr std::string_view kEngine[] = {"LLM engine (v", "API server version "};

struct Table {
  LiteralSet set;
  size_t engine_end, phase_end;  ///< literals before these places are of that kind

  static Table make() {
    std::vector<std::string> texts(std::begin(kEngine), std::end(kEngine));
    const size_t engine_end = texts.size();
    for (const PhaseMark& mark : phase_marks()) texts.emplace_back(mark.text);
    const size_t phase_end = texts.size();
    for (std::string_view mark : python_marks()) texts.emplace_back(mark);
    return {LiteralSet(std::move(texts)), engine_end, phase_end};
  }
};

}  // namespace

TextMarks text_marks(std::string_view body) {
  static const Table table = Table::make();
  static thread_local std::vector<uint32_t> hits;
  hits.clear();
  table.set.find(body, hits);
  TextMarks marks;
  for (uint32_t hit : hits) {
    if (hit < table.engine_end) {
      marks.engine = true;
    } else if (hit < table.phase_end) {
      marks.phase = true;
    } else {
      marks.python = true;
    }
  }
  marks.python = marks.python || bare_exception(body);
  // The lines of a progress bar that no phase names: graph capture, autotuning.
  marks.phase = marks.phase || (!body.empty() && body.back() == ']' && bar_of_line(body));
  return marks;
}

}  // namespace rankdx
