#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cluster/ras.h"

namespace rankdx {
namespace {

using Json = nlohmann::json;

int whole_number(const Json& object, const char* key, int otherwise = -1) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) return otherwise;
  const auto value = found->get<int64_t>();
  return value >= INT32_MIN && value <= INT32_MAX ? static_cast<int>(value) : otherwise;
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_true(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

const Json& part(const Json& object, const char* key) {
  static const Json none = Json::object();
  const auto found = object.find(key);
  return found != object.end() ? *found : none;
}

/// The texts of ncclGetErrorString (nccl.h), for ncclResult_t 1 to 6.
std::string result_text(int code) {
  constexpr const char* kTexts[] = {"unhandled CUDA error", "unhandled system error",
                                    "internal error",       "invalid argument",
                                    "invalid usage",        "remote process error"};
  return code >= 1 && code <= 6 ? kTexts[code - 1] : "";
}

RasRank rank_of(const Json& json) {
  RasRank r;
  r.rank = whole_number(json, "rank");
  r.host = text_of(json, "host");
  if (r.host == "unknown") r.host.clear();
  r.pid = whole_number(json, "pid");
  if (const int gpu = whole_number(json, "cuda_dev"); gpu >= 0) r.gpu = gpu;
  return r;
}

RasRank present_rank(const Json& json) {
  constexpr int kInProgress = 7;
  RasRank r = rank_of(json);
  const Json& status = part(json, "status");
  const int init = whole_number(status, "init_state", 0),
            async = whole_number(status, "async_error", 0);
  r.status = is_true(status, "abort_flag")                                           ? "ABORT"
             : is_true(status, "finalize_called") || is_true(status, "destroy_flag") ? "FINALIZE"
             : init == kInProgress                                                   ? "INIT"
                                                                                     : "RUNNING";
  r.error = result_text(init);
  if (r.error.empty()) r.error = result_text(async);
  const Json& counts = part(json, "collective_counts");
  if (counts.is_object()) {
    for (const auto& [name, count] : counts.items()) {
      if (count.is_number_unsigned() && r.counts.size() < 32)
        r.counts[name] = count.get<uint64_t>();
    }
  }
  return r;
}

/// Whether two present ranks launched a different number of one collective.
bool counts_differ(const std::vector<RasRank>& ranks) {
  const RasRank* first = nullptr;
  for (const RasRank& r : ranks) {
    if (r.missing) continue;
    if (!first) first = &r;
    if (r.counts != first->counts) return true;
  }
  return false;
}

RasCommunicator communicator_of(const Json& json) {
  RasCommunicator c;
  std::string hash = text_of(json, "hash");
  if (hash.starts_with("0x")) hash.erase(0, 2);
  c.hash = std::string(hash.size() < 16 ? 16 - hash.size() : 0, '0') + hash;
  c.size = whole_number(json, "size", 0);
  c.missing_count = whole_number(json, "missing_ranks_count", 0);
  for (const Json& rank : part(json, "ranks")) {
    if (rank.is_object()) c.ranks.push_back(present_rank(rank));
  }
  for (const Json& rank : part(json, "missing_ranks")) {
    if (!rank.is_object()) continue;
    RasRank r = rank_of(rank);
    const Json& status = part(rank, "status");
    r.dead = is_true(status, "considered_dead");
    // Its process answers but does not know the communicator: the NOCOMM of the text form.
    r.missing = r.dead || is_true(status, "unresponsive") || !status.is_object() ||
                !status.contains("unresponsive");
    if (!r.missing) r.status = "NOCOMM", --c.missing_count;
    c.ranks.push_back(std::move(r));
  }
  c.incomplete = c.missing_count > 0;
  c.mismatch = counts_differ(c.ranks);
  for (const RasRank& r : c.ranks) c.error = c.error || !r.error.empty();
  return c;
}

}  // namespace

bool repair_ras_json(std::string& json) {
  constexpr std::string_view kKey = "\"nvml_dev\":";
  std::string out;
  size_t from = 0;
  bool repaired = false;
  for (size_t at = json.find(kKey); at != std::string::npos; at = json.find(kKey, from)) {
    size_t end = at + kKey.size();
    while (end < json.size() && (json[end] == ' ' || json[end] == '-' || is_digit(json[end])))
      ++end;
    out.append(json, from, end - from);
    from = end;
    size_t next = end;
    while (next < json.size() && is_space(json[next])) ++next;
    if (next < json.size() && json[next] == '"') out += ',', repaired = true;
  }
  if (!repaired) return false;
  out.append(json, from);
  json = std::move(out);
  return true;
}

Result<RasAnswer> parse_ras_json(std::string_view text) {
  std::string repaired(text);
  RasAnswer answer;
  answer.form = RasAnswer::Form::Json;
  answer.repaired = repair_ras_json(repaired);
  const Json json = Json::parse(repaired, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object())
    return fail(ErrorCode::Corrupt, "is JSON that cannot be parsed");
  answer.nccl_version = text_of(json, "nccl_version");
  if (answer.nccl_version.empty())
    return fail(ErrorCode::Corrupt, "is JSON, but no answer of NCCL's RAS service");
  for (const Json& c : part(json, "communicators")) {
    if (c.is_object()) answer.communicators.push_back(communicator_of(c));
  }
  const Json& ras = part(json, "ras");
  answer.timeouts = whole_number(ras, "timeouts_count", 0);
  if (const auto seconds = ras.find("collection_time_sec");
      seconds != ras.end() && seconds->is_number())
    answer.seconds = seconds->get<double>();
  answer.whole = true;
  return answer;
}

}  // namespace rankdx
