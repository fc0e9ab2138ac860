#include "launch/tune_in_place.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "launch/evidence.h"
#include "launch/lint/judge.h"
#include "launch/serve_args.h"
#include "launch/shell_words.h"

namespace rankdx {
namespace {

using namespace lint;

constexpr std::string_view kByHand = "by hand: a program cannot change this place safely";

/// One file. Every container of it is tuned alike, so that leader and workers stay equal.
class FileTuner {
 public:
  FileTuner(const LaunchFile& file, const Seen& seen, const SeenFit* fit, TunedFiles& out)
      : source_(file.name, file.text),
        seen_(seen),
        fit_(fit),
        out_(out),
        socket_(network_evidence(seen, "Socket")) {}

  bool run() {
    const Launch launch = read_launch(source_);
    bool starts_vllm = false;
    for (const Group& group : launch.groups) {
      for (const Container& container : group.containers) {
        starts_vllm = starts_vllm || !container.serves.empty();
        if (container.serves.empty() && container.rays.empty()) continue;
        tune(container);
      }
    }
    out_.files.push_back({source_.name(), edited(source_.bytes(), edits_)});
    return starts_vllm;
  }

 private:
  void tune(const Container& container) {
    nccl_ = nccl_version_of(seen_);
    vllm_ =
        seen_.vllm_version.empty() ? version_of_image(container.image.text) : seen_.vllm_version;
    std::set<std::string, std::less<>> names;
    std::vector<const EnvVar*> variables;
    for (const EnvVar& v : container.env) variables.push_back(&v);
    for (const Serve& serve : container.serves) {
      for (const EnvVar& v : serve.env) variables.push_back(&v);
    }
    for (const RayStart& ray : container.rays) {
      for (const EnvVar& v : ray.env) variables.push_back(&v);
    }
    for (const EnvVar* v : variables) {
      names.insert(v->name);
      tune(*v);
    }
    for (const Serve& serve : container.serves) tune(serve);
    additions(container, names);
  }

  void tune(const EnvVar& v) {
    if (v.from_reference || v.value.dynamic) return;
    if (v.name == "NCCL_IB_DISABLE" && v.value.text == "1") {
      note(
          "NCCL_IB_DISABLE=1 stays: right on Ethernet without RDMA; on RoCE it costs most of the "
          "bandwidth" +
          (socket_.empty() ? "" : " (" + socket_ + ")"));
      return;
    }
    const Leftover* row = find_leftover("env", v.name, v.value.text, nccl_, vllm_);
    if (!row) return;
    if (v.name == "NCCL_DEBUG") {
      if (lower(v.value.text) != "warn") {
        change(ChangeKind::Variable, v.name, v.value.text, "WARN",
               "errors only: the log level was that of debugging",
               set_variable(source_, v, "WARN"));
      }
      return;
    }
    change(ChangeKind::Variable, v.name, v.value.text, std::nullopt, std::string(row->reason),
           remove_variable(source_, v));
  }

  void tune(const Serve& serve) {
    for (const Flag& flag : serve.flags) {
      const std::string value = flag.value ? flag.value->text : "";
      const std::string name = replace_all(flag.written, "_", "-");
      std::string reason;
      if (const Leftover* row = find_leftover("flag", name, value, nccl_, vllm_))
        reason = row->reason;
      if (serve_flag_is_gone(name, vllm_)) {
        reason = fmt::format("vLLM {} has no such flag any more and does not start with it", vllm_);
      }
      if (reason.empty()) continue;
      change(ChangeKind::Flag, flag.written, value, std::nullopt, reason,
             remove_flag(source_, serve, flag));
    }
    if (fit_ && fit_->verdict == "does-not-fit") memory(serve);
  }

  void memory(const Serve& serve) {
    for (const std::string& text : fit_->flags) {
      const auto words = shell_words(text);
      if (!words || words->empty() || !(*words)[0].starts_with("--")) continue;
      const std::string& name = (*words)[0];
      const std::string value = words->size() > 1 ? (*words)[1] : "";
      const Flag* there = find_flag(serve, name);
      std::optional<std::string> before;
      if (there) before = there->value ? there->value->text : "";
      if (before == value) continue;
      change(ChangeKind::Flag, name, before, value, "memory: " + fit_->summary,
             there ? set_flag(source_, serve, *there, value) : add_flags(source_, serve, *words));
    }
  }

  void additions(const Container& container, const std::set<std::string, std::less<>>& names) {
    const auto add = [&](const std::string& name, const std::string& value,
                         const std::string& reason) {
      if (names.count(name) > 0) return;
      change(ChangeKind::Variable, name, std::nullopt, value, reason,
             add_variable(source_, container, name, value));
    };
    add("PYTHONUNBUFFERED", "1",
        "C's stdout comes out at once: a killed rank keeps its last lines");
    if (socket_.empty()) return;
    add("NCCL_SOCKET_NTHREADS", "4",
        "TCP carries the traffic between hosts (" + socket_ +
            "): 4 threads x 4 sockets, far below NCCL's limit of 64; costs CPU");
    add("NCCL_NSOCKS_PERTHREAD", "4", "goes with NCCL_SOCKET_NTHREADS");
  }

  void change(ChangeKind kind, std::string name, std::optional<std::string> before,
              std::optional<std::string> after, std::string reason, std::vector<Edit> edits) {
    if (edits.empty()) {
      note(fmt::format("{} must be {} {} ({})", name, after ? "set" : "removed", kByHand, reason));
      return;
    }
    edits_.insert(edits_.end(), edits.begin(), edits.end());
    for (const Change& c : out_.changes) {
      if (c.name == name && c.before == before && c.after == after) return;
    }
    out_.changes.push_back(
        {kind, std::move(name), std::move(before), std::move(after), std::move(reason)});
  }

  void note(std::string text) {
    if (std::find(out_.notes.begin(), out_.notes.end(), text) == out_.notes.end()) {
      out_.notes.push_back(std::move(text));
    }
  }

  SourceText source_;
  const Seen& seen_;
  const SeenFit* fit_;
  TunedFiles& out_;
  std::string socket_, nccl_, vllm_;
  std::vector<Edit> edits_;
};

}  // namespace

Result<TunedFiles> tune_in_place(const LaunchFiles& files, const Seen& seen, const SeenFit* fit) {
  TunedFiles out;
  bool starts_vllm = false;
  for (const LaunchFile& file : files) {
    if (file.text.size() >= lint::kMaxBytes)
      return fail(ErrorCode::Unsupported, "is too large", file.name);
    starts_vllm = FileTuner(file, seen, fit, out).run() || starts_vllm;
  }
  if (!starts_vllm)
    return fail(ErrorCode::Usage, "nothing in it starts vLLM", files.empty() ? "" : files[0].name);
  if (seen.nccl_versions.size() > 1) {
    out.notes.push_back("the logs show several NCCL versions (" + join(seen.nccl_versions, ", ") +
                        "): use one image for all nodes");
  }
  for (std::string& text : slow_links_inside_nodes(seen)) out.notes.push_back(std::move(text));
  for (const std::string& problem : seen.problems)
    out.notes.push_back("the diagnosis still reports " + problem);
  std::stable_sort(out.changes.begin(), out.changes.end(),
                   [](const Change& a, const Change& b) { return a.kind < b.kind; });
  return out;
}

}  // namespace rankdx
