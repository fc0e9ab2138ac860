#include "job/python_fold.h"

#include "events/python.h"
#include "job/template_hash.h"
#include "scan/quick_text.h"

namespace rankdx {
namespace {

constexpr size_t kMessage = 400;

uint64_t mix(uint64_t seed, std::string_view text) { return mix8(template_hash(text), seed); }

KeptLine frame_line(const PythonFold::Place& at) {
  return {at.number, std::string(at.text.substr(0, PythonErrorFacts::kFrameText))};
}

}  // namespace

void PythonFold::begin(Open& open, const Place& at) {
  open.first_line = at.number;
  open.frame_count = 0;
  open.frames.clear();
}

void PythonFold::end(Open& open, const Place& at, std::string_view exception,
                     std::string_view message) {
  PythonErrorFacts e;
  e.first_line = open.first_line;
  e.raised = {at.number, std::string(at.text.substr(0, kMaxKeptText))};
  e.process = at.process;
  e.label_rank = at.label_rank;
  e.time_us = at.time_us;
  e.exception = exception;
  e.message = message.substr(0, kMessage);
  e.frames = std::move(open.frames);
  e.frame_count = open.frame_count;
  e.earlier = open.earlier;
  e.direct = open.direct;
  open.first_line = 0;
  open.frames = {};
  open.earlier = -1;
  const std::string_view place = e.frames.empty() ? std::string_view() : e.frames.back().text;
  uint64_t hash = mix(
      static_cast<uint64_t>(at.process) << 20 | static_cast<uint32_t>(at.label_rank), e.exception);
  hash = mix(mix(hash, e.message), place);
  if (const auto found = known_.find(hash); found != known_.end()) {
    ++errors_[found->second].count;
    open.last = found->second;
    return;
  }
  if (errors_.size() >= kMaxPythonErrors) {
    open.last = -1;
    return;
  }
  open.last = static_cast<int>(errors_.size());
  known_.emplace(hash, open.last);
  errors_.push_back(std::move(e));
}

void PythonFold::add(std::string_view body, const Place& at) {
  const PythonLine line = python_line(body);
  if (line.part == PythonPart::None) return;
  const std::pair<int, int> writer{at.process, at.label_rank};
  auto found = open_.find(writer);
  if (found == open_.end()) {
    if (line.part == PythonPart::Exception || open_.size() >= kMaxWriters) return;
    found = open_.emplace(writer, Open{}).first;
  }
  Open& open = found->second;
  switch (line.part) {
    case PythonPart::Start:
      return begin(open, at);
    case PythonPart::Frame:
      // An excerpt may begin in the middle of a traceback.
      if (open.first_line == 0) begin(open, at);
      ++open.frame_count;
      if (open.frames.size() == PythonErrorFacts::kFrames) open.frames.erase(open.frames.begin());
      open.frames.push_back(frame_line(at));
      return;
    case PythonPart::During:
    case PythonPart::DirectCause:
      open.earlier = open.last;
      open.direct = line.part == PythonPart::DirectCause;
      return;
    case PythonPart::Exception:
      if (open.first_line != 0 && open.frame_count > 0) end(open, at, line.exception, line.message);
      return;
    case PythonPart::None:
      return;
  }
}

}  // namespace rankdx
