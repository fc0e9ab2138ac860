#include "cluster/pod_logs.h"

#include <fmt/format.h>

#include "base/text.h"

namespace rankdx {
namespace {

/// Where runtimes cut long lines (CRI: containerd and cri-o).
constexpr size_t kChunk = 16384;
/// Lines of the end that are kept of a log that is too big.
constexpr int kTailLines = 20'000;
/// A server that prints nothing for so long after its start has most likely had its beginning
/// rotated away: vLLM and torch print within seconds.
constexpr int64_t kLateStartNs = 60'000'000'000;

/// Length of "2026-11-22T12:24:56.123456789Z", or 0.
size_t stamp_length(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  if (text.size() < kShape.size() + 1) return 0;
  for (size_t i = 0; i < kShape.size(); ++i) {
    if (kShape[i] == 'd' ? !is_digit(text[i]) : text[i] != kShape[i]) return 0;
  }
  size_t end = kShape.size();
  if (text[end] == '.') {
    ++end;
    while (end < text.size() && is_digit(text[end])) ++end;
  }
  if (end < text.size() && text[end] == 'Z') return end + 1;
  if (end + 6 <= text.size() && (text[end] == '+' || text[end] == '-') && text[end + 3] == ':')
    return end + 6;
  return 0;
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
int64_t days_of(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t of_era = year - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

std::string log_path(const LogSource& s) {
  return fmt::format("/api/v1/namespaces/{}/pods/{}/log?container={}&timestamps=true",
                     url_part(s.ns), url_part(s.pod), url_part(s.container));
}

void append_lines(std::string_view body, LogText& log) {
  std::string scratch;
  while (!body.empty()) {
    const StampedLine line = split_stamp(take_until(body, '\n', body), scratch);
    if (!line.stamp.empty()) {
      if (log.first_stamp.empty()) log.first_stamp = line.stamp;
      log.last_stamp = line.stamp;
    }
    log.text.append(line.text).push_back('\n');
    ++log.lines;
  }
}

/// A broken transfer is tried again once: the log is still there.
Result<ApiReply> get_log(ClusterApi& api, const std::string& path, const LogOptions& options) {
  auto reply = api.get(path, options.timeout);
  if (!reply && reply.error().code == ErrorCode::Corrupt) reply = api.get(path, options.timeout);
  return reply;
}

}  // namespace

std::string to_string(const LogSource& source) { return source.pod + "/" + source.container; }

std::vector<LogSource> log_sources(const std::vector<PodInfo>& pods) {
  std::vector<LogSource> out;
  for (const PodInfo& p : pods) {
    for (const ContainerInfo& c : p.containers) {
      if (c.state == ContainerInfo::State::None) continue;
      if (c.state == ContainerInfo::State::Waiting && !c.before) continue;
      out.push_back({p.ns, p.name, c.name});
    }
  }
  return out;
}

std::optional<int64_t> stamp_ns(std::string_view stamp) {
  if (stamp_length(stamp) != stamp.size() || stamp.empty()) return std::nullopt;
  auto digits = [&](size_t from, size_t n) {
    return parse_int<int64_t>(stamp.substr(from, n)).value_or(0);
  };
  int64_t seconds = days_of(digits(0, 4), digits(5, 2), digits(8, 2)) * 86400 +
                    digits(11, 2) * 3600 + digits(14, 2) * 60 + digits(17, 2);
  int64_t ns = 0, unit = 100'000'000;
  size_t at = 19;
  if (stamp[at] == '.') {
    for (++at; at < stamp.size() && is_digit(stamp[at]); ++at, unit /= 10)
      ns += (stamp[at] - '0') * unit;
  }
  if (stamp[at] != 'Z') {
    const int64_t offset = digits(at + 1, 2) * 3600 + digits(at + 4, 2) * 60;
    seconds -= stamp[at] == '-' ? -offset : offset;
  }
  // 1677 to 2262 fits.
  if (seconds > 9'000'000'000 || seconds < -9'000'000'000) return std::nullopt;
  return seconds * 1'000'000'000 + ns;
}

StampedLine split_stamp(std::string_view line, std::string& scratch) {
  const size_t n = stamp_length(line);
  if (n == 0) return {{}, line};
  StampedLine out{line.substr(0, n), line.substr(n)};
  if (out.text.starts_with(' ')) out.text.remove_prefix(1);
  if (out.text.size() <= kChunk || stamp_length(out.text.substr(kChunk)) == 0) return out;
  scratch.clear();
  std::string_view rest = out.text;
  while (rest.size() > kChunk) {
    scratch.append(rest.substr(0, kChunk));
    rest.remove_prefix(kChunk);
    const size_t again = stamp_length(rest);
    if (again == 0) break;
    rest.remove_prefix(std::min(rest.size(), again + 1));
  }
  scratch.append(rest);
  out.text = scratch;
  return out;
}

Result<LogText> read_log(ClusterApi& api, const LogSource& source, const LogOptions& options,
                         std::string_view started_at) {
  std::string path = log_path(source);
  if (options.instance == LogOptions::Instance::Previous) path += "&previous=true";
  if (!options.since.empty()) path += "&sinceTime=" + url_part(options.since);
  const std::string tail =
      options.tail_lines ? fmt::format("&tailLines={}", *options.tail_lines) : "";
  const std::string limit = fmt::format("&limitBytes={}", options.limit_bytes);
  const ApiReply reply = RANKDX_TRY(get_log(api, path + tail + limit, options));
  if (reply.status != 200)
    return fail(reply.status == 403 ? ErrorCode::Unsupported : ErrorCode::Unreadable,
                status_text(reply), to_string(source));
  LogText log;
  append_lines(reply.body, log);
  const auto first = stamp_ns(log.first_stamp), start = stamp_ns(started_at);
  log.starts_late = !options.tail_lines && options.since.empty() && first && start && *start > 0 &&
                    *first - *start > kLateStartNs;
  if (reply.body.size() < options.limit_bytes || options.tail_lines) return log;
  log.cut = true;
  log.problem = fmt::format("more than {} MiB: the beginning and the last {} lines were read",
                            options.limit_bytes >> 20, kTailLines);
  const auto end = get_log(api, path + fmt::format("&tailLines={}", kTailLines), options);
  if (end && end->status == 200) append_lines(end->body, log);
  return log;
}

}  // namespace rankdx
