#include "launch/lint/settings_table.h"

#include <algorithm>

#include "base/text.h"

namespace rankdx::lint {
namespace {

using enum Mend;

constexpr SettingWarning kWarnings[] = {
    {"CUDA_LAUNCH_BLOCKING", "1", "debug-leftover", Remove, "",
     "Every launch waits for the GPU: many times slower."},
    {"NCCL_ALGO", "*", "variable-dangerous", Nothing, "",
     "A fixed algorithm is not possible for every collective and topology: init fails or gets "
     "slow."},
    {"NCCL_CHECK_POINTERS", "1", "debug-leftover", Remove, "",
     "Buffers are checked at every call."},
    {"NCCL_COMM_ID", "*", "variable-dangerous", Remove, "",
     "vLLM and PyTorch make several communicators; a fixed address lets them meet each other's."},
    {"NCCL_DEBUG", "INFO|TRACE", "debug-leftover", Set, "WARN",
     "NCCL logs its setup in every process."},
    {"NCCL_DEBUG_SUBSYS", "*", "debug-leftover", Remove, "",
     "Selects what NCCL_DEBUG=INFO prints; production needs only warnings."},
    {"NCCL_GDR_FLUSH_DISABLE", "1", "variable-dangerous", Remove, "",
     "GPUDirect data may arrive after it is used: silent corruption."},
    {"NCCL_GRAPH_FILE", "*", "variable-dangerous", Nothing, "",
     "A graph of other machines breaks init."},
    {"NCCL_GRAPH_MIXING_SUPPORT", "0", "variable-dangerous", Remove, "",
     "Hangs when graphs and plain launches are mixed, as vLLM does."},
    {"NCCL_HOSTID", "*", "variable-dangerous", Nothing, "",
     "Ranks that share it are taken for one host."},
    {"NCCL_IB_DISABLE", "1", "ib-disabled", Remove, "", ""},
    {"NCCL_IB_RETURN_ASYNC_EVENTS", "0", "variable-dangerous", Remove, "",
     "Failures of the network become hangs."},
    {"NCCL_IB_TIMEOUT", "0", "variable-dangerous", Remove, "",
     "0 waits for ever: errors become hangs."},
    {"NCCL_IB_TIMEOUT", ">31", "variable-dangerous", Remove, "",
     "Waits for ever: errors become hangs."},
    {"NCCL_IGNORE_DISABLED_P2P", "!0", "variable-dangerous", Remove, "",
     "Hides a P2P path that does not work."},
    {"NCCL_IGNORE_NET_MISMATCH", "1", "variable-dangerous", Remove, "",
     "Hides a lost network card."},
    {"NCCL_LEGACY_CUDA_REGISTER", "1", "variable-dangerous", Remove, "", "Can hang."},
    {"NCCL_NET_GDR_LEVEL", "LOC|0", "variable-dangerous", Remove, "", "Switches GPUDirect off."},
    {"NCCL_P2P_DISABLE", "1", "p2p-disabled-by-env", Remove, "", ""},
    {"NCCL_P2P_LEVEL", "LOC|0", "p2p-disabled-by-env", Remove, "",
     "NCCL_P2P_LEVEL=LOC is the same as NCCL_P2P_DISABLE=1."},
    {"NCCL_PROTO", "*", "variable-dangerous", Nothing, "",
     "A forced protocol is slow for some sizes, and LL128 corrupts data where it is not "
     "supported."},
    {"NCCL_SHM_DISABLE", "1", "shm-disabled-by-env", Remove, "", ""},
    {"NCCL_TOPO_FILE", "*", "variable-fixed-to-one-node", Nothing, "",
     "A topology of other machines gives bad rings."},
    {"TORCHDYNAMO_DISABLE", "1", "debug-leftover", Remove, "", "Compilation is off: slower."},
    {"TORCH_COMPILE_DEBUG", "1", "debug-leftover", Remove, "", "Slow, and fills the disk."},
    {"TORCH_CPP_LOG_LEVEL", "INFO", "debug-leftover", Remove, "", ""},
    {"TORCH_DISTRIBUTED_DEBUG", "INFO|DETAIL", "debug-leftover", Remove, "",
     "DETAIL checks every collective."},
    {"TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", "variable-dangerous", Remove, "",
     "A failed rank makes all others hang."},
    {"TORCH_NCCL_BLOCKING_WAIT", "1", "debug-leftover", Remove, "", "Serialises collectives."},
    {"TORCH_NCCL_DESYNC_DEBUG", "1", "debug-leftover", Remove, "", ""},
    {"TORCH_NCCL_NAN_CHECK", "1", "debug-leftover", Remove, "", "Checks every buffer."},
    {"TORCH_SHOW_CPP_STACKTRACES", "1", "debug-leftover", Remove, "", ""},
    {"VLLM_ALLOW_INSECURE_SERIALIZATION", "1|true", "variable-dangerous", Remove, "",
     "Whoever reaches the port can run code."},
    {"VLLM_ALLOW_LONG_MAX_MODEL_LEN", "1|true", "variable-dangerous", Nothing, "",
     "Lengths that the model was not made for give wrong output or a crash."},
    {"VLLM_ALLOW_RUNTIME_LORA_UPDATING", "1|true", "variable-dangerous", Nothing, "",
     "Whoever reaches the API can load adapters."},
    {"VLLM_COMPUTE_NANS_IN_LOGITS", "1|true", "debug-leftover", Remove, "", "Slower."},
    {"VLLM_DEBUG_DUMP_PATH", "*", "debug-leftover", Remove, "", "Fills the disk."},
    {"VLLM_DEBUG_LOG_API_SERVER_RESPONSE", "1|true", "debug-leftover", Remove, "",
     "Answers to users stand in the log."},
    {"VLLM_KEEP_ALIVE_ON_ENGINE_DEATH", "1|true", "variable-dangerous", Remove, "",
     "A dead server stays up."},
    {"VLLM_LOGGING_LEVEL", "DEBUG", "debug-leftover", Set, "INFO",
     "Requests and steps stand in the log."},
    {"VLLM_SERVER_DEV_MODE", "1|true", "variable-dangerous", Remove, "",
     "Opens endpoints that reset and stop the server."},
    {"VLLM_TORCH_PROFILER_DIR", "*", "debug-leftover", Remove, "",
     "Whoever reaches the API can start the profiler."},
    {"VLLM_TRACE_FUNCTION", "1", "debug-leftover", Remove, "", "More than 100 times slower."},
};

}  // namespace

std::span<const SettingWarning> setting_warnings() { return kWarnings; }

bool setting_applies(const SettingWarning& warning, std::string_view value) {
  if (value.empty()) return false;
  if (warning.values == "*") return true;
  if (warning.values.starts_with('!')) return value != warning.values.substr(1);
  if (warning.values.starts_with('>')) {
    const auto limit = parse_int<int64_t>(warning.values.substr(1)),
               number = parse_int<int64_t>(value);
    return limit && number && *number > *limit;
  }
  const std::string word = lower(value);
  const auto words = split(warning.values, '|');
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view w) { return lower(w) == word; });
}

}  // namespace rankdx::lint
