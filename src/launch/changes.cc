#include "launch/changes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "launch/serve_args.h"
#include "launch/settings.h"

namespace rankdx {
namespace {

using Texts = std::map<std::string, std::string>;

/// Flags with their values; a flag that comes twice keeps its last value, as in vLLM.
Texts flags_of(const LaunchSpec& spec, Launcher launcher) {
  const NodeWords leader{NodeRole::Leader, literal("0"), literal("LEADER"), {}};
  Texts flags;
  std::string* value = nullptr;
  const Words words = serve_command(spec, launcher, leader);
  for (size_t i = 3; i < words.size(); ++i) {
    const std::string& word = words[i].text;
    if (word.starts_with("--")) {
      const size_t equals = word.find('=');
      value = &flags[word.substr(0, equals)];
      *value = equals == std::string::npos ? "" : word.substr(equals + 1);
    } else if (value) {
      *value += (value->empty() ? "" : " ") + word;
    }
  }
  return flags;
}

std::map<std::string, std::string_view> reasons_of(const LaunchSpec& spec, Launcher launcher) {
  std::map<std::string, std::string_view> reasons;
  for (const Setting& s : settings_for(spec, launcher)) reasons[s.name] = s.reason;
  return reasons;
}

class Comparison {
 public:
  Comparison(const LaunchSpec& from, const LaunchSpec& to, Launcher launcher)
      : from_(from),
        to_(to),
        why_before_(reasons_of(from, launcher)),
        why_after_(reasons_of(to, launcher)) {}

  void texts(ChangeKind kind, const Texts& before, const Texts& after) {
    Texts all = before;
    all.insert(after.begin(), after.end());
    for (const auto& [name, ignored] : all) {
      const auto b = before.find(name), a = after.find(name);
      Change change{kind, name, std::nullopt, std::nullopt, ""};
      if (b != before.end()) change.before = b->second;
      if (a != after.end()) change.after = a->second;
      if (change.before == change.after && (b == before.end()) == (a == after.end())) continue;
      change.reason = reason(name, change);
      out_.push_back(std::move(change));
    }
  }

  void rest() {
    launch("profile", std::string(to_string(from_.profile)), std::string(to_string(to_.profile)),
           "probes, restarts and logs follow the profile");
    launch("network", std::string(to_string(from_.network)), std::string(to_string(to_.network)),
           "settings and devices follow the network");
    launch("rdma_resource", from_.rdma_resource, to_.rdma_resource,
           "pods must book the device that they use");
    launch("vllm_version", from_.vllm_version, to_.vllm_version, "");
    launch("nccl_version", from_.nccl_version, to_.nccl_version, "");
    launch("logs", place(from_.log_storage), place(to_.log_storage),
           "the log volume is there for debugging");
  }

  std::vector<Change> take() { return std::move(out_); }

 private:
  static std::string place(const Storage& st) {
    return st.kind == StorageKind::None ? "" : st.source + " at " + st.path;
  }
  void launch(const char* name, const std::string& before, const std::string& after,
              std::string reason) {
    if (before == after) return;
    Change change{ChangeKind::Launch, name, std::nullopt, std::nullopt, std::move(reason)};
    if (!before.empty()) change.before = before;
    if (!after.empty()) change.after = after;
    out_.push_back(std::move(change));
  }
  std::string reason(const std::string& name, const Change& change) const {
    const auto after = why_after_.find(name), before = why_before_.find(name);
    if (change.after && after != why_after_.end()) return std::string(after->second);
    if (!change.after && before != why_before_.end() && from_.profile == Profile::Debug) {
      return "only for debugging: " + std::string(before->second);
    }
    return change.after ? "given in the launch" : "not set by this profile";
  }

  const LaunchSpec &from_, &to_;
  std::map<std::string, std::string_view> why_before_, why_after_;
  std::vector<Change> out_;
};

/// Lines of a hunk: ' ' both, '-' only before, '+' only after.
struct DiffLine {
  char sign;
  std::string_view text;
};

/// Longest common subsequence; launches have some hundred lines. Longer texts differ as a whole.
std::vector<DiffLine> compare_lines(const std::vector<std::string_view>& a,
                                    const std::vector<std::string_view>& b) {
  std::vector<DiffLine> out;
  if (a.size() * b.size() > 25'000'000) {
    for (std::string_view line : a) out.push_back({'-', line});
    for (std::string_view line : b) out.push_back({'+', line});
    return out;
  }
  const size_t width = b.size() + 1;
  std::vector<uint32_t> common((a.size() + 1) * width);
  for (size_t i = a.size(); i-- > 0;) {
    for (size_t j = b.size(); j-- > 0;) {
      common[i * width + j] =
          a[i] == b[j] ? common[(i + 1) * width + j + 1] + 1
                       : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      out.push_back({' ', a[i]});
      ++i, ++j;
    } else if (j == b.size() ||
               (i < a.size() && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      out.push_back({'-', a[i++]});
    } else {
      out.push_back({'+', b[j++]});
    }
  }
  return out;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines = split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::string hunks(const std::vector<DiffLine>& lines) {
  constexpr size_t kContext = 3;
  std::string out;
  size_t old_line = 1, new_line = 1;
  size_t i = 0;
  while (i < lines.size()) {
    if (lines[i].sign == ' ') {
      ++i, ++old_line, ++new_line;
      continue;
    }
    const size_t lead = std::min({kContext, old_line - 1, i});
    size_t begin = i - lead, end = i, quiet = 0;
    // A hunk ends where more than two contexts of equal lines follow.
    for (size_t k = i; k < lines.size() && quiet <= 2 * kContext; ++k) {
      quiet = lines[k].sign == ' ' ? quiet + 1 : 0;
      if (quiet == 0) end = k + 1;
    }
    end = std::min(end + kContext, lines.size());
    std::string body;
    size_t olds = 0, news = 0;
    for (size_t k = begin; k < end; ++k) {
      body += lines[k].sign;
      body += lines[k].text;
      body += '\n';
      olds += lines[k].sign != '+';
      news += lines[k].sign != '-';
    }
    out +=
        fmt::format("@@ -{},{} +{},{} @@\n{}", old_line - lead, olds, new_line - lead, news, body);
    old_line += olds - lead;
    new_line += news - lead;
    i = end;
  }
  return out;
}

std::string text_of(const LaunchFiles& files, std::string_view name) {
  for (const LaunchFile& file : files) {
    if (file.name == name) return file.text;
  }
  return "";
}

}  // namespace

std::vector<Change> changes_between(const LaunchSpec& from, const LaunchSpec& to,
                                    Launcher launcher) {
  Comparison comparison(from, to, launcher);
  comparison.texts(ChangeKind::Variable, environment_for(from, launcher),
                   environment_for(to, launcher));
  comparison.texts(ChangeKind::Flag, flags_of(from, launcher), flags_of(to, launcher));
  comparison.rest();
  return comparison.take();
}

std::string unified_diff(const LaunchFiles& from, const LaunchFiles& to,
                         std::string_view from_prefix, std::string_view to_prefix) {
  std::vector<std::string> names;
  for (const LaunchFiles* files : {&from, &to}) {
    for (const LaunchFile& file : *files) {
      if (std::find(names.begin(), names.end(), file.name) == names.end())
        names.push_back(file.name);
    }
  }
  std::string out;
  for (const std::string& name : names) {
    const std::string before = text_of(from, name), after = text_of(to, name);
    if (before == after) continue;
    out += fmt::format("--- {}{}\n+++ {}{}\n", from_prefix, name, to_prefix, name);
    out += hunks(compare_lines(lines_of(before), lines_of(after)));
  }
  return out;
}

}  // namespace rankdx
