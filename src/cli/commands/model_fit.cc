// rankdx model fit: does a model fit these GPUs, and with which flags.
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "memory/fit_report.h"
#include "memory/known_models.h"
#include "memory/model_source.h"
#include "present/terminal.h"

namespace rankdx {
namespace {

struct Options {
  std::string path, model, gpu, gpu_memory, vllm, output, kv_cache_dtype = "auto", state_cache,
                                                          quantization;
  int64_t tp = 1, pp = 1, dp = 1, context_parallel = 1, speculative = 0;
  std::optional<int64_t> max_model_len, block_size, max_num_seqs, max_num_batched_tokens;
  std::optional<double> utilization, kv_cache_gib, weights_gib;
  bool experts = false, sweep = false, eager = false, no_hybrid = false, list_models = false,
       list_gpus = false;
};

int usage_error(const Error& error) {
  std::fprintf(stderr, "rankdx: %s\n", to_string(error).c_str());
  return kUsage;
}

Result<void> set_gpu(const Options& o, FitRequest& request) {
  if (!o.gpu.empty()) {
    const auto gpu = gpu_named(o.gpu);
    // A known cache needs no GPU.
    if (!gpu && o.gpu_memory.empty() && !o.kv_cache_gib) {
      return fail(ErrorCode::Usage, "not one GPU of the table", "--gpu " + o.gpu,
                  "give --gpu-memory, or a name out of rankdx model fit --list-gpus");
    }
    request.gpu_name = o.gpu;
    if (gpu)
      request.gpu = gpu->kind, request.gpu_memory_gib = gpu->memory_gib,
      request.gpu_name = gpu->name;
  }
  if (o.gpu_memory.empty()) return {};
  request.gpu_memory_gib = memory_size_gib(o.gpu_memory);
  if (!request.gpu_memory_gib) {
    return fail(ErrorCode::Usage, "no size", "--gpu-memory " + o.gpu_memory,
                "as in 80GiB, 79.2 or 81559MiB");
  }
  return {};
}

Result<FitRequest> request_of(const Options& o) {
  FitRequest r;
  r.vllm = vllm_version(o.vllm);
  if (!o.vllm.empty() && r.vllm.assumed) {
    std::fprintf(stderr, "rankdx: --vllm %s: no version in it, the newest known one is taken\n",
                 o.vllm.c_str());
  }
  if (auto ok = set_gpu(o, r); !ok) return tl::unexpected(ok.error());
  if (o.utilization && !(*o.utilization > 0 && *o.utilization <= 1)) {
    return fail(ErrorCode::Usage, "must be above 0 and at most 1", "--gpu-memory-utilization");
  }
  r.parallel = {o.tp, o.pp, o.dp, o.experts ? ExpertParallel::On : ExpertParallel::Off};
  r.context_parallel = o.context_parallel;
  r.max_model_len = o.max_model_len;
  r.kv_cache_dtype = o.kv_cache_dtype.substr(0, o.kv_cache_dtype.find(' '));
  r.utilization = o.utilization;
  r.kv_cache_gib = o.kv_cache_gib;
  r.weights_gib = o.weights_gib;
  r.block_size = o.block_size;
  r.max_num_seqs = o.max_num_seqs;
  r.max_num_batched_tokens = o.max_num_batched_tokens;
  r.manager = o.no_hybrid ? HybridManager::Off : HybridManager::On;
  r.graphs = o.eager ? Graphs::Eager : Graphs::Captured;
  r.speculative_tokens = o.speculative;
  if (o.state_cache == "none") r.state_cache = StateCache::One;
  if (o.state_cache == "align") r.state_cache = StateCache::Aligned;
  if (o.state_cache == "all") r.state_cache = StateCache::All;
  return r;
}

int print_lists(const Options& o) {
  if (o.list_models) {
    for (const KnownModel& m : known_models())
      std::printf("%.*s\n", static_cast<int>(m.name.size()), m.name.data());
  }
  if (o.list_gpus) {
    for (const Gpu& g : gpus()) {
      std::printf("%-16.*s %7.2f GiB  %.*s\n", static_cast<int>(g.name.size()), g.name.data(),
                  g.memory_gib, static_cast<int>(g.source.size()), g.source.data());
    }
  }
  return kHealthy;
}

int run(const Options& o) {
  if (o.list_models || o.list_gpus) return print_lists(o);
  if (o.path.empty() && o.model.empty()) {
    return usage_error(
        {ErrorCode::Usage, "name a model directory, a config.json, or --model NAME", "", ""});
  }
  const auto request = request_of(o);
  if (!request) return usage_error(request.error());
  const auto source = open_model(o.path, o.model, o.quantization, request->vllm);
  if (!source) return usage_error(source.error());
  const FitReport report =
      fit(source->config, source->weights, *request, o.sweep ? Sweep::Yes : Sweep::No);
  const TextStyle style{colour_for(STDOUT_FILENO), width_of_terminal(STDOUT_FILENO)};
  const std::string text = o.output == "json"       ? fit_json(report)
                           : o.output == "markdown" ? fit_markdown(report)
                                                    : fit_text(report, style);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return report.verdict == Fits::Yes  ? kHealthy
         : report.verdict == Fits::No ? kProblemFound
                                      : kUndetermined;
}

}  // namespace

const std::string_view kModelFitExamples =
    "  rankdx model fit /models/llama --gpu H100-80G --tp 2 --max-model-len 32768\n"
    "  rankdx model fit config.json --gpu-memory 79.2GiB --vllm 0.11.0 --sweep\n"
    "  rankdx model fit config.json --kv-cache-gib 19.37  # tokens of a budget that a log printed\n"
    "  rankdx model fit --model Qwen/Qwen3-32B --gpu L40S --tp 4\n";

std::function<int()> make_model_fit(Flags& flags) {
  auto o = std::make_shared<Options>();
  flags.operand("MODEL", o->path, "model directory, config.json or params.json");
  flags.text("--model", o->model,
             "a known public model by name, instead of (or completing) a file");
  flags.text("--gpu", o->gpu, "H100-80G, L40S, RTX4090 ... (--list-gpus)");
  flags.text("--gpu-memory", o->gpu_memory,
             "total memory of one GPU as CUDA reports it: 79.2GiB, 81559MiB");
  flags.number("--tp,--tensor-parallel-size", o->tp, 1, 1024, "tensor-parallel ranks");
  flags.number("--pp,--pipeline-parallel-size", o->pp, 1, 1024, "pipeline stages");
  flags.number("--dp,--data-parallel-size", o->dp, 1, 1024, "data-parallel replicas");
  flags.on("--ep,--enable-expert-parallel", o->experts, "place whole experts on the ranks");
  flags.number("--dcp,--decode-context-parallel-size", o->context_parallel, 1, 1024,
               "ranks that share the tokens of a request");
  flags.number("--max-model-len", o->max_model_len, 1, int64_t{1} << 31,
               "tokens of the longest request; default: the model's");
  flags.text("--kv-cache-dtype", o->kv_cache_dtype, "auto, fp8, nvfp4 ...");
  flags.decimal("--gpu-memory-utilization", o->utilization,
                "share of the GPU; default: that of the version");
  flags.text("--vllm", o->vllm, "version of vLLM, as 0.11.0; default: the newest known");
  flags.text("--quantization", o->quantization, "quantisation while loading: fp8, bitsandbytes");
  flags.decimal("--kv-cache-gib", o->kv_cache_gib,
                "a known size of the KV cache of a rank; needs no GPU");
  flags.decimal("--weights-gib", o->weights_gib,
                "a known size of the weights of a rank (\"Model loading took\")");
  flags.number("--block-size", o->block_size, 1, 65536,
               "tokens of a block; default: that of version and backend");
  flags.number("--max-num-seqs", o->max_num_seqs, 1, 1 << 20, "default: that of version and GPU");
  flags.number("--max-num-batched-tokens", o->max_num_batched_tokens, 1, 1 << 24,
               "default: that of version and GPU");
  flags.choice("--mamba-cache-mode", o->state_cache, {"version", "none", "align", "all"},
               "how recurrent states are cached");
  flags.number("--num-speculative-tokens", o->speculative, 0, 64,
               "drafted tokens, which states must hold too");
  flags.on("--enforce-eager", o->eager, "no CUDA graphs");
  flags.on("--disable-hybrid-kv-cache-manager", o->no_hybrid,
           "sliding-window layers keep all tokens");
  flags.on("--sweep", o->sweep, "a table over tensor parallelism, pipeline stages and length");
  flags.on("--list-models", o->list_models, "the known models");
  flags.on("--list-gpus", o->list_gpus, "the known GPUs and their memory");
  flags.choice("-o,--output", o->output, {"text", "json", "markdown"}, "form of the answer");
  return [o] { return run(*o); };
}

}  // namespace rankdx
