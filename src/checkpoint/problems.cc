#include "checkpoint/problems.h"

#include <algorithm>

#include "base/text.h"

namespace rankdx {
namespace {

/// Leads: what is missing is missing in a set that need not be used.
constexpr std::string_view kHidesTheOther = "mistral-set-incomplete";

Role role_of(Severity severity) {
  return severity == Severity::Error     ? Role::RootCause
         : severity == Severity::Warning ? Role::Contributing
                                         : Role::Note;
}

std::string filled(std::string_view text, const Problems::Names& names, size_t count) {
  std::string out = replace_all(text, "{count}", std::to_string(count));
  for (const auto& [name, value] : names)
    out = replace_all(out, "{" + std::string(name) + "}", value);
  return out;
}

}  // namespace

const ProblemText* problem_text(std::string_view id) {
  const auto& table = problem_texts();
  const auto it = std::lower_bound(table.begin(), table.end(), id,
                                   [](const ProblemText& row, auto key) { return row.id < key; });
  return it != table.end() && it->id == id ? &*it : nullptr;
}

void Problems::add(std::string_view id, std::string file, std::string detail, Names names,
                   uint64_t line, uint32_t column) {
  const ProblemText* text = problem_text(id);
  if (text == nullptr) return;
  add_as(text->severity, id, std::move(file), std::move(detail), std::move(names), line, column);
}

void Problems::add_as(Severity severity, std::string_view id, std::string file, std::string detail,
                      Names names, uint64_t line, uint32_t column) {
  const ProblemText* text = problem_text(id);
  if (text == nullptr) return;
  auto it = std::find_if(found_.begin(), found_.end(),
                         [&](const Found& f) { return f.text == text && f.severity == severity; });
  if (it == found_.end())
    it = found_.insert(found_.end(), Found{text, severity, std::move(names), {}, 0});
  ++it->count;
  if (it->evidence.size() < kMostEvidence)
    it->evidence.push_back({std::move(file), line, std::move(detail), column});
}

void Problems::drop(std::string_view id, std::string_view file) {
  for (auto it = found_.begin(); it != found_.end();) {
    if (it->text->id == id) {
      const auto gone = std::remove_if(it->evidence.begin(), it->evidence.end(),
                                       [&](const Evidence& e) { return e.source == file; });
      it->count -= static_cast<size_t>(it->evidence.end() - gone);
      it->evidence.erase(gone, it->evidence.end());
    }
    it = it->evidence.empty() ? found_.erase(it) : it + 1;
  }
}

bool Problems::has(std::string_view id) const { return count(id) > 0; }

size_t Problems::count(std::string_view id) const {
  size_t sum = 0;
  for (const Found& f : found_) sum += f.text->id == id ? f.count : 0;
  return sum;
}

std::optional<std::pair<Severity, std::string_view>> Problems::worst(
    std::initializer_list<std::string_view> ids) const {
  std::optional<std::pair<Severity, std::string_view>> found;
  for (const Found& f : found_)
    if (std::find(ids.begin(), ids.end(), f.text->id) != ids.end() &&
        (!found || f.severity < found->first))
      found = {f.severity, f.text->title};
  return found;
}

std::vector<Finding> Problems::findings() const {
  std::vector<Finding> result;
  for (const Found& f : found_) {
    Finding finding;
    finding.id = f.text->id;
    finding.severity = f.severity;
    finding.role = role_of(f.severity);
    finding.confidence = f.text->confidence;
    finding.layer = f.text->layer;
    finding.title = f.text->title;
    finding.cause = filled(f.text->cause, f.names, f.count);
    finding.evidence = f.evidence;
    if (f.count > f.evidence.size())
      finding.evidence.push_back(
          {"", 0, "and " + std::to_string(f.count - f.evidence.size()) + " more", 0});
    finding.fix.push_back(
        {"any", filled(f.text->fix, f.names, f.count), filled(f.text->command, f.names, f.count)});
    if (finding.id == kHidesTheOther)
      finding.explains = {"model-shard-missing", "safetensors-corrupt", "hub-blob-missing"};
    result.push_back(std::move(finding));
  }
  std::stable_sort(result.begin(), result.end(), [](const Finding& a, const Finding& b) {
    return std::pair(a.severity, a.id != kHidesTheOther) <
           std::pair(b.severity, b.id != kHidesTheOther);
  });
  return result;
}

}  // namespace rankdx
