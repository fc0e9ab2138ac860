// GPU memory that does not suffice: flag values computed from what the log says of the launch (its
// engine prints its settings) and from the numbers of the message, with the model's own sizes where
// the model is known or was named by the user.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "diagnose/context.h"
#include "memory/advice.h"
#include "memory/known_models.h"

namespace rankdx {
namespace {

/// The rules that pick up settings (rules/gpu-memory.toml).
constexpr std::string_view kSettings = "engine-settings-printed";
constexpr std::array<std::string_view, 3> kMemoryFindings = {
    "kv-cache-too-small-for-max-len", "no-memory-for-kv-cache", "gpu-oom-model-load"};

class Captures {
 public:
  explicit Captures(const RuleHit& hit) : hit_(hit) {}

  /// Each value that is there replaces the one before: a later line is nearer to the failure.
  void into(std::string& to, const char* name) const {
    if (const std::string* text = find(name)) to = *text;
  }
  void into(std::optional<int64_t>& to, const char* name) const {
    if (const std::string* text = find(name))
      if (const auto value = parse_int<int64_t>(*text)) to = value;
  }
  void into(std::optional<double>& to, const char* name) const {
    if (const std::string* text = find(name))
      if (const auto value = gib(*text)) to = value;
  }

 private:
  const std::string* find(const char* name) const {
    const auto found = hit_.captures.find(name);
    return found == hit_.captures.end() || found->second.empty() ? nullptr : &found->second;
  }
  /// "79.25", "79.25 GiB", "512 MiB".
  static std::optional<double> gib(std::string_view text) {
    std::string_view unit;
    const auto value = parse_double(take_until(text, ' ', unit));
    return value && unit == "MiB" ? std::optional(*value / 1024) : value;
  }
  const RuleHit& hit_;
};

void take(const RuleHit& hit, MemoryFacts& f) {
  const Captures c(hit);
  c.into(f.model, "model");
  c.into(f.vllm, "vllm");
  c.into(f.kv_cache_dtype, "cache");
  c.into(f.quantization, "quantization");
  if (f.quantization == "None") f.quantization.clear();
  c.into(f.tp, "tp");
  c.into(f.pp, "pp");
  c.into(f.dp, "dp");
  c.into(f.max_model_len, "length");
  c.into(f.max_num_seqs, "seqs");
  c.into(f.max_num_batched_tokens, "batch");
  c.into(f.utilization, "share");
  c.into(f.total_gib, "total");
  c.into(f.total_gib, "total2");
  c.into(f.weights_gib, "weights");
}

/// What the message itself says beside that.
void take_message(const RuleHit& hit, MemoryFacts& f) {
  take(hit, f);
  if (hit.rule->id != "kv-cache-too-small-for-max-len" || !hit.captures.count("need")) return;
  const Captures c(hit);
  c.into(f.needed_gib, "need");
  c.into(f.available_gib, "have");
  c.into(f.estimated_len, "most");
}

MemoryFacts facts_of(const Context& context, const RuleHit& message) {
  MemoryFacts f;
  for (const RuleHit& hit : context.hits)
    if (hit.rule->id == kSettings) take(hit, f);
  take_message(message, f);
  if (!context.model_directory.empty()) {
    f.model = context.model_directory;
  } else if (!known_model(f.model)) {
    f.model.clear();  // a path of another machine; nothing that a log names is opened
  }
  return f;
}

}  // namespace

void detect_memory(const Context& context, FindingSet& findings) {
  for (const std::string_view id : kMemoryFindings) {
    const auto finding = std::find_if(findings.all().begin(), findings.all().end(),
                                      [&](const Finding& f) { return f.id == id; });
    if (finding == findings.all().end()) continue;
    const auto hit = std::find_if(context.hits.begin(), context.hits.end(),
                                  [&](const RuleHit& h) { return h.rule->id == id; });
    if (hit == context.hits.end()) continue;
    const std::vector<Fix> computed = as_fixes(advise(facts_of(context, *hit)));
    finding->fix.insert(finding->fix.begin(), computed.begin(), computed.end());
  }
}

}  // namespace rankdx
