// Findings, basis, flags and summary of a fit.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "memory/fit_parts.h"

namespace rankdx {
namespace {

Finding finding(std::string id, Severity severity, std::string title, std::string cause) {
  Finding f;
  f.id = std::move(id);
  f.role = severity == Severity::Error     ? Role::RootCause
           : severity == Severity::Warning ? Role::Contributing
                                           : Role::Note;
  f.severity = severity;
  f.confidence = Confidence::Likely;
  f.layer = Layer::Engine;
  f.title = std::move(title);
  f.cause = std::move(cause);
  return f;
}

/// A length that people write: a multiple of 1024 below, or of the block size for short ones.
int64_t round_length(int64_t length) {
  if (length >= 4096) return length / 1024 * 1024;
  return length >= 16 ? length / 16 * 16 : length;
}

std::string bigger_parallelism(const FitReport& report) {
  if (!report.smallest_parallelism) return "";
  const Parallel& p = *report.smallest_parallelism;
  return fmt::format("--tensor-parallel-size {} --pipeline-parallel-size {}", p.tp, p.pp);
}

/// The utilization at which `needed` GiB are left for the cache; graphs included nothing above
/// 0.96, for what other code holds on the GPU.
std::optional<double> utilization_for(const Budget& b, double needed_gib) {
  const double wanted =
      (b.weights_gib + b.activations_gib + b.other_gib + needed_gib) / b.total_gib;
  const double rounded = std::ceil(wanted * 100) / 100;
  const double graphs = b.graphs_budgeted ? 0 : b.graphs_gib / b.total_gib;
  return rounded + graphs <= 0.96 ? std::optional(rounded) : std::nullopt;
}

void add_fixes(const Fitter& fitter, const KvLayout& layout, const std::optional<Budget>& budget,
               FitReport& report, Finding& f) {
  const int64_t longest = round_length(report.largest_max_model_len.value_or(0));
  if (longest > 0) {
    f.fix.push_back({"any",
                     fmt::format("{} tokens are what one request can have here.",
                                 report.largest_max_model_len.value()),
                     fmt::format("--max-model-len {}", longest)});
  }
  if (budget) {
    const double needed = layout.bytes_for(fitter.length_wanted()) / kGib;
    if (const auto utilization = utilization_for(*budget, needed);
        utilization && *utilization > budget->utilization) {
      f.fix.push_back({"any", "A larger share of the GPU makes room, if nothing else runs on it.",
                       fmt::format("--gpu-memory-utilization {:.2f}", *utilization)});
    }
  }
  if (const std::string parallel = bigger_parallelism(report); !parallel.empty()) {
    f.fix.push_back(
        {"any", "The smallest parallelism with which the wanted length fits.", parallel});
  }
  if (layout.element == "bfloat16" || layout.element == "float16") {
    f.fix.push_back({"any", "An 8-bit cache halves the bytes per token.", "--kv-cache-dtype fp8"});
  }
}

}  // namespace

void add_memory_findings(const Fitter& fitter, const FitRequest& request, const KvLayout& layout,
                         const std::optional<Budget>& budget, FitReport& report) {
  const int64_t length = fitter.length_wanted(), derived = fitter.config().max_len;
  if (request.max_model_len && derived > 0 && *request.max_model_len > derived) {
    Finding f = finding("max-model-len-beyond-model", Severity::Error,
                        "--max-model-len is more than the model was made for",
                        fmt::format("{} tokens are asked for, the configuration allows {}.",
                                    *request.max_model_len, derived));
    f.confidence = Confidence::Certain;
    f.layer = Layer::Config;
    f.fix.push_back({"any",
                     "Use at most what the configuration allows; VLLM_ALLOW_LONG_MAX_MODEL_LEN=1 "
                     "overrides the check.",
                     fmt::format("--max-model-len {}", derived)});
    report.findings.push_back(std::move(f));
  }
  if (budget && budget->weights_gib > budget->total_gib) {
    Finding f =
        finding("gpu-oom-model-load", Severity::Error, "The weights of one rank do not fit the GPU",
                fmt::format("{:.2f} GiB of weights, {:.2f} GiB of memory.", budget->weights_gib,
                            budget->total_gib));
    if (const std::string parallel = bigger_parallelism(report); !parallel.empty())
      f.fix.push_back({"any", "Split the model.", parallel});
    report.findings.push_back(std::move(f));
  } else if (report.kv_cache_gib && *report.kv_cache_gib <= 0) {
    std::string cause = "Weights and peak use take the whole budget.";
    if (budget) {
      cause = fmt::format(
          "{:.2f} x {:.2f} GiB less {:.2f} GiB of weights, {:.2f} GiB of activations and {:.2f} "
          "GiB of other "
          "memory leaves {:.2f} GiB.",
          budget->utilization, budget->total_gib, budget->weights_gib, budget->activations_gib,
          budget->other_gib, budget->available_gib());
    }
    Finding f = finding("no-memory-for-kv-cache", Severity::Error,
                        "Nothing is left for the KV cache", std::move(cause));
    add_fixes(fitter, layout, budget, report, f);
    report.findings.push_back(std::move(f));
  } else if (report.kv_blocks && length > 0 && !layout.attention_free() &&
             *report.kv_blocks < layout.blocks_for(length)) {
    Finding f = finding(
        "kv-cache-too-small-for-max-len", Severity::Error,
        "The KV cache cannot hold one request of max_model_len",
        fmt::format("One request of {} tokens needs {:.2f} GiB, {:.2f} GiB are left on each rank.",
                    length, layout.bytes_for(length) / kGib, *report.kv_cache_gib));
    if (request.kv_cache_gib) f.confidence = Confidence::Certain;
    add_fixes(fitter, layout, budget, report, f);
    report.findings.push_back(std::move(f));
  }
  if (budget && !budget->graphs_budgeted && budget->graphs_gib > 0 &&
      budget->utilization * budget->total_gib + budget->graphs_gib > budget->total_gib - 0.3) {
    Finding f = finding(
        "cuda-graphs-beyond-budget", Severity::Warning, "CUDA graphs may not fit beside the budget",
        fmt::format("This version captures them after the KV cache has taken its share: about "
                    "{:.1f} GiB are needed, "
                    "{:.2f} GiB are left.",
                    budget->graphs_gib, (1 - budget->utilization) * budget->total_gib));
    f.confidence = Confidence::Possible;
    f.fix.push_back(
        {"any", "Leave room, or capture nothing with --enforce-eager.",
         fmt::format(
             "--gpu-memory-utilization {:.2f}",
             std::floor((1 - (budget->graphs_gib + 0.5) / budget->total_gib) * 100) / 100)});
    report.findings.push_back(std::move(f));
  }
}

void fill_basis(const ModelConfig& config, const WeightSource& source, const FitRequest& request,
                const KvLayout& layout, const Fitter& fitter, FitReport& report) {
  auto& b = report.basis;
  if (request.weights_gib) {
    b.push_back({"weights_gib", "given", "0 %"});
  } else if (report.weights_gib) {
    b.push_back({"weights_gib", source.how, source.error});
  } else {
    std::string lacking;
    for (const auto& field : config.lacking) lacking += (lacking.empty() ? "" : ", ") + field;
    b.push_back(
        {"weights_gib",
         lacking.empty() ? "no weights found" : "unknown: the configuration lacks " + lacking,
         "-"});
  }
  if (request.kv_cache_gib) {
    b.push_back({"kv_cache_gib", "given", "0 %"});
  } else if (report.kv_cache_gib) {
    b.push_back({"kv_cache_gib",
                 fmt::format("{:.2f} of the GPU's memory less the other numbers",
                             request.utilization.value_or(default_utilization(request.vllm))),
                 "the errors of the other numbers; another process on one GPU costs all ranks"});
  } else {
    b.push_back({"kv_cache_gib",
                 request.gpu_memory_gib ? "unknown: weights or sizes are missing"
                                        : "unknown: no --gpu, --gpu-memory or --kv-cache-gib",
                 "-"});
  }
  if (report.activations_gib) {
    const auto extra = overheads(config, request.vllm, fitter.batch(report.max_model_len),
                                 request.parallel.tp, request.parallel.pp, request.graphs);
    const Batch batch = fitter.batch(report.max_model_len);
    if (request.activations_gib) {
      b.push_back({"activations_gib", "given", "0 %"});
    } else {
      b.push_back({"activations_gib",
                   fmt::format("{} ({} tokens, {} sequences)", extra->activations_how, batch.tokens,
                               batch.seqs),
                   extra->activations_error});
    }
    b.push_back({"other_gib",
                 fmt::format("CUDA context and NCCL buffers as logged{}; CUDA graphs {:.2f} GiB {}",
                             extra->graphs_budgeted ? ", CUDA graphs" : "", extra->graphs_gib,
                             extra->graphs_budgeted ? "within the budget" : "on top of it"),
                 "0.1-0.6 GiB"});
  }
  std::string how =
      fmt::format("{} group{} of layers, blocks of {} tokens, {}", layout.groups.size(),
                  layout.groups.size() == 1 ? "" : "s", layout.block_size, layout.element);
  for (const auto& note : layout.notes) how += "; " + note;
  for (const auto& assumed : config.assumed) how += "; assumed: " + assumed;
  b.push_back({"kv_bytes_per_token", how, config.assumed.empty() ? "0 %" : "10 %"});
  if (report.kv_tokens) {
    b.push_back({"kv_tokens",
                 fmt::format("blocks in the cache, counted as vLLM {} prints them", report.vllm),
                 "of kv_cache_gib"});
  }
  if (request.vllm.assumed)
    b.push_back({"vllm", "no --vllm given: the newest release known here", "-"});
}

void fill_flags(const Fitter& fitter, const FitRequest& request, FitReport& report) {
  Parallel p = request.parallel;
  int64_t length = fitter.length_wanted();
  const bool fits = report.verdict == Fits::Yes;
  const bool shorter =
      report.largest_max_model_len && *report.largest_max_model_len > 0 && fitter.valid(p);
  if (!fits && shorter) {
    length = round_length(*report.largest_max_model_len);
  } else if (!fits && report.smallest_parallelism) {
    p = *report.smallest_parallelism;
  } else if (!fits) {
    return;
  }
  if (p.tp > 1) report.flags.push_back(fmt::format("--tensor-parallel-size {}", p.tp));
  if (p.pp > 1) report.flags.push_back(fmt::format("--pipeline-parallel-size {}", p.pp));
  if (p.dp > 1) report.flags.push_back(fmt::format("--data-parallel-size {}", p.dp));
  if (p.experts == ExpertParallel::On) report.flags.emplace_back("--enable-expert-parallel");
  if (length > 0) report.flags.push_back(fmt::format("--max-model-len {}", length));
  if (request.utilization)
    report.flags.push_back(fmt::format("--gpu-memory-utilization {:.2f}", *request.utilization));
  if (request.kv_cache_dtype != "auto")
    report.flags.push_back("--kv-cache-dtype " + request.kv_cache_dtype);
  if (request.max_num_seqs)
    report.flags.push_back(fmt::format("--max-num-seqs {}", *request.max_num_seqs));
  if (request.max_num_batched_tokens)
    report.flags.push_back(
        fmt::format("--max-num-batched-tokens {}", *request.max_num_batched_tokens));
}

std::string summary_of(const FitReport& report) {
  const std::string where = fmt::format("TP {} x PP {}{}{}", report.tp, report.pp,
                                        report.gpu.empty() ? "" : " on ", report.gpu);
  if (report.verdict == Fits::Unknown) {
    if (report.kv_cache_gib && !report.kv_blocks)
      return "The layout of this model's KV cache is not known";
    if (!report.kv_cache_gib) {
      return !report.weights_gib
                 ? "The configuration lacks sizes for the weights"
                 : "Name the GPU (--gpu, --gpu-memory) or the cache (--kv-cache-gib)";
    }
    return "No --max-model-len given and none in the configuration";
  }
  if (report.verdict == Fits::Yes) {
    return fmt::format(
        "{} with max_model_len {} has room for {} tokens, {:.2f} requests of that length", where,
        report.max_model_len, report.kv_tokens.value_or(0), report.max_concurrency.value_or(0));
  }
  for (const Finding& f : report.findings) {
    if (f.severity == Severity::Error) {
      std::string text = fmt::format("{} does not start: {}", where, f.title);
      if (!f.fix.empty() && !f.fix.front().command.empty())
        text += "; try " + f.fix.front().command;
      return text;
    }
  }
  return where + " does not start";
}

}  // namespace rankdx
