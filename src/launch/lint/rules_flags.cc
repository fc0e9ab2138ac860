// vLLM's flags: name, version, value, and flags that go together.
#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"
#include "catalogue/vllm_flags.h"
#include "launch/lint/judge.h"

namespace rankdx::lint {
namespace {

class FlagJudge {
 public:
  FlagJudge(Judge& judge, const Group& group, const Container& container, const Serve& serve)
      : j_(judge),
        group_(group),
        c_(container),
        s_(serve),
        versions_(versions_of(judge, container)) {}

  void run() {
    std::map<std::string_view, const Flag*> seen;
    for (const Flag& f : s_.flags) {
      const VllmFlag* known = f.known;
      if (known == nullptr) {
        unknown(f);
        continue;
      }
      if (!presence(f, *known)) continue;
      value(f, *known);
      const auto [at, is_new] = seen.try_emplace(known->name, &f);
      if (!is_new && known->rule.kind != ValueKind::List &&
          f.written.find('.') == std::string::npos) {
        const bool same = f.value.has_value() == at->second->value.has_value() &&
                          (!f.value || f.value->text == at->second->value->text);
        j_.add("flag-duplicate", f.span,
               std::string(known->name) + (same ? " stands before." : " has another value before."),
               same ? remove_flag(j_.source, s_, f) : std::vector<Edit>{});
      }
    }
    together();
    expansions();
  }

 private:
  void unknown(const Flag& f) {
    if (f.value && f.value->dynamic && f.written.find('$') != std::string::npos) return;
    const auto begins = vllm_flags_that_begin(f.written);
    if (begins.size() == 1) return;  // argparse takes a unique beginning
    std::string detail = "vllm serve has no " + f.written + ".";
    const auto near = nearest_vllm_flags(f.written);
    std::vector<Edit> edits;
    if (!near.empty()) {
      detail += " Near: " + std::string(near[0]) + ".";
      const std::string_view written = j_.source.part(f.span);
      const size_t at = written.find(f.written);
      if (at != written.npos) {
        const uint32_t begin = f.span.begin + static_cast<uint32_t>(at);
        edits.push_back(
            {{begin, begin + static_cast<uint32_t>(f.written.size())}, std::string(near[0])});
      }
    }
    j_.add("flag-unknown", f.span, detail, std::move(edits));
  }

  bool presence(const Flag& f, const VllmFlag& known) {
    std::string instead =
        known.replacement.empty() ? "" : " Instead: " + std::string(known.replacement) + ".";
    if (!known.note.empty()) instead += " (" + std::string(known.note) + ")";
    if (versions_.newest) {
      if (!known.span.gone()) return true;
      Issue& i = j_.add(
          "flag-removed", f.span,
          f.written + " is gone in vLLM " + std::string(known.span.gone_in()) + "." + instead,
          remove_flag(j_.source, s_, f));
      if (!c_.image) i.severity = Severity::Warning;
      i.needs = {"the vLLM version (--vllm-version)"};
      i.confidence = Confidence::Likely;
      return false;
    }
    const Version& version = *versions_.vllm;
    const Presence p = known.span.presence(version);
    if (p == Presence::Present) return true;
    const auto since = parse_version(known.span.since());
    const bool early = since && version < *since;
    if (p == Presence::Unclear && !known.span.gone() && !early) return true;
    if (early) {
      Issue& i =
          j_.add("flag-not-yet", f.span,
                 f.written + " exists from vLLM " + std::string(known.span.since()) +
                     " on; this is " + to_string(version) + ".",
                 p == Presence::Unclear ? std::vector<Edit>{} : remove_flag(j_.source, s_, f));
      if (p == Presence::Unclear) soften(i);
      return false;
    }
    Issue& i = j_.add("flag-removed", f.span,
                      f.written + " is gone in vLLM " + std::string(known.span.gone_in()) +
                          "; this is " + to_string(version) + "." + instead,
                      remove_flag(j_.source, s_, f));
    if (p == Presence::Unclear) soften(i);
    return false;
  }

  /// The release lies between two that were read.
  static void soften(Issue& i) {
    i.severity = Severity::Warning;
    i.confidence = Confidence::Possible;
  }

  void value(const Flag& f, const VllmFlag& known) {
    if (!f.value) {
      if (known.takes_value() && known.rule.kind != ValueKind::Any &&
          known.rule.kind != ValueKind::Json && known.rule.kind != ValueKind::List) {
        j_.add("flag-value-invalid", f.span, f.written + " needs a value.");
      }
      return;
    }
    if (f.value->dynamic || f.written.find('.') != std::string::npos) return;
    if (!known.takes_value()) {
      if (f.joined) j_.add("flag-value-invalid", f.value->span, f.written + " takes no value.");
      return;
    }
    if (const auto complaint = known.rule.complaint(f.value->text)) {
      const std::string shown = known.note == "secret" ? "Its value" : "\"" + f.value->text + "\"";
      j_.add("flag-value-invalid", f.value->span,
             f.written + ": " + shown + " " + *complaint + ".");
      return;
    }
    if (known.name == "--gpu-memory-utilization" && parse_double(f.value->text).value_or(1) <= 0) {
      j_.add("flag-value-invalid", f.value->span, f.written + " must be more than 0.");
    }
  }

  bool has(std::string_view name) const { return find_flag(s_, name) != nullptr; }
  std::string text(std::string_view name) const {
    const Flag* f = find_flag(s_, name);
    return f != nullptr && f->value && !f->value->dynamic ? f->value->text : "";
  }
  Span span(std::string_view name) const { return find_flag(s_, name)->span; }
  std::vector<Edit> without(std::string_view name) const {
    return remove_flag(j_.source, s_, *find_flag(s_, name));
  }

  void together() {
    struct Pair {
      std::string_view a, b, text;
    };
    constexpr Pair kExclusive[] = {
        {"--data-parallel-external-lb", "--data-parallel-hybrid-lb",
         "Load balancing is either external or hybrid."},
        {"--headless", "--api-server-count", "A headless node has no API server."},
        {"--uds", "--port", "The API listens on a socket file or on a port."},
        {"--disable-log-requests", "--enable-log-requests", "Requests are logged or not."},
    };
    for (const Pair& p : kExclusive) {
      if (has(p.a) && has(p.b) && text(p.b) != "0")
        j_.add("flags-conflict", span(p.b),
               std::string(p.a) + " and " + std::string(p.b) + ": " + std::string(p.text));
    }
    if (text("--distributed-executor-backend") == "ray" && has("--nnodes")) {
      j_.add("flags-conflict", span("--nnodes"),
             "--nnodes belongs to the mp executor; Ray knows its nodes.", without("--nnodes"));
    }
    const auto nodes = flag_number(s_, "--nnodes"), rank = flag_number(s_, "--node-rank");
    if (nodes && rank && *rank >= *nodes)
      j_.add("flags-conflict", span("--node-rank"),
             "Ranks of " + std::to_string(*nodes) + " nodes go from 0 to " +
                 std::to_string(*nodes - 1) + ".");
    if (rank && *rank == 0 && has("--headless") && nodes && *nodes > 1)
      j_.add("flags-conflict", span("--headless"), "Node 0 serves the API.", without("--headless"));
    if (has("--enable-auto-tool-choice") && !has("--tool-call-parser") && !s_.unknown_words)
      j_.add("flags-conflict", span("--enable-auto-tool-choice"),
             "vLLM asks for --tool-call-parser with it.");
    if (has("--kv-cache-memory-bytes") && has("--gpu-memory-utilization"))
      j_.add("flag-ineffective", span("--gpu-memory-utilization"),
             "--kv-cache-memory-bytes decides.", without("--gpu-memory-utilization"));
    if (has("--lora-modules") && !has("--enable-lora") && !s_.unknown_words)
      j_.add("flags-conflict", span("--lora-modules"), "Adapters need --enable-lora.",
             add_flags(j_.source, s_, {"--enable-lora"}));
    ports();
  }

  void ports() {
    const std::string port = text("--port"), master = text("--master-port");
    if (!port.empty() &&
        (port == master || (master.empty() && port == "29501" && has("--nnodes")))) {
      j_.add("port-in-use", span("--port"), "The API and the rendezvous both use " + port + ".");
    }
    const std::string_view internal = value_of(c_, "VLLM_PORT");
    if (!internal.empty() && internal == (port.empty() ? "8000" : port)) {
      j_.add("port-in-use", find_variable(c_, "VLLM_PORT")->value.span,
             "VLLM_PORT is for internal use; the API has that port.");
    }
    const bool ray_head =
        std::any_of(c_.rays.begin(), c_.rays.end(), [](const RayStart& r) { return r.head; });
    if (ray_head && (port == "6379" || port == "8265" || port == "10001"))
      j_.add("port-in-use", span("--port"), "Ray listens on " + port + ".");
  }

  /// $NAME in arguments that no shell sees.
  void expansions() {
    if (s_.form != Form::BlockList && s_.form != Form::FlowList) return;
    if (group_.kind == GroupKind::Compose) return;
    auto check = [&](const Text& t) {
      const size_t at = t.text.find('$');
      if (at == std::string::npos || at + 1 >= t.text.size()) return;
      const char next = t.text[at + 1];
      if (next == '(' || next == '$' || (at > 0 && t.text[at - 1] == '$')) return;
      const bool name = next == '{' || next == '_' || (next >= 'A' && next <= 'Z');
      if (name)
        j_.add("kubernetes-no-expansion", t.span, "\"" + t.text + "\" reaches vLLM as it stands.");
    };
    check(s_.model);
    for (const Flag& f : s_.flags) {
      if (f.value) check(*f.value);
    }
  }

  Judge& j_;
  const Group& group_;
  const Container& c_;
  const Serve& s_;
  Versions versions_;
};

}  // namespace

void judge_flags(Judge& judge) {
  for (const Group& g : judge.launch.groups) {
    for (const Container& c : g.containers) {
      for (const Serve& s : c.serves) FlagJudge(judge, g, c, s).run();
    }
  }
}

}  // namespace rankdx::lint
