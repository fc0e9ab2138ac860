#include "catalogue/vllm_releases.h"

#include <algorithm>

#include "catalogue/data.h"

namespace rankdx {
namespace {

std::vector<VllmRelease> read_releases() {
  std::vector<VllmRelease> out;
  for (const TsvRow& row : tsv_rows(data_file("versions"))) {
    const auto version = parse_version(row[0]);
    if (version && version->main_day == 0) out.push_back({row[0], *version});
  }
  std::sort(out.begin(), out.end(),
            [](const VllmRelease& a, const VllmRelease& b) { return a.version < b.version; });
  return out;
}

std::string_view without_v(std::string_view name) {
  return name.starts_with('v') ? name.substr(1) : name;
}

}  // namespace

std::span<const VllmRelease> vllm_releases() {
  static const std::vector<VllmRelease> releases = read_releases();
  return releases;
}

ReleaseSpan::ReleaseSpan(std::string_view releases) {
  const size_t dots = releases.find("..");
  const std::string_view first = releases.substr(0, dots);
  const std::string_view last = dots == releases.npos ? first : releases.substr(dots + 2);
  const auto all = vllm_releases();
  first_ = parse_version(first).value_or(Version{});
  last_ = parse_version(last).value_or(Version{});
  if (!all.empty() && all.front().version < first_) since_ = without_v(first);
  for (const VllmRelease& r : all) {
    if (r.version < first_) {
      before_ = r.version;
      has_before_ = true;
    }
    if (last_ < r.version && gone_in_.empty()) {
      gone_in_ = without_v(r.name);
      after_ = r.version;
    }
  }
  // Of the newest release only: the main branch behind it may have it or not.
  if (gone_in_.empty() && last_.main_day == 0) after_ = last_;
}

Presence ReleaseSpan::presence(const Version& version) const {
  if (version < first_) {
    return has_before_ && version <= before_ ? Presence::Absent : Presence::Unclear;
  }
  if (version <= last_) return Presence::Present;
  if (gone()) return version >= after_ ? Presence::Absent : Presence::Unclear;
  return Presence::Unclear;
}

}  // namespace rankdx
