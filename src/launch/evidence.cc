#include "launch/evidence.h"

#include <fmt/format.h>

#include <set>

#include "base/text.h"
#include "catalogue/data.h"

namespace rankdx {
namespace {

std::vector<Leftover> load() {
  std::vector<Leftover> rows;
  for (const TsvRow& r : tsv_rows(data_file("leftovers"))) {
    if (r.size() >= 6) rows.push_back({r[0], r[1], r[2], r[3], r[4], r[5]});
  }
  return rows;
}

bool is_one_of(std::string_view value, std::string_view list) {
  if (list.empty()) return true;
  const std::string small = lower(value);
  for (std::string_view item : split(list, ',')) {
    if (item == small) return true;
  }
  return false;
}

bool in_range(std::string_view range, const std::string& version) {
  if (range.empty()) return true;
  const auto parsed_range = VersionRange::parse(range);
  const auto v = parse_version(version);
  return parsed_range && v && parsed_range->contains(*v);
}

}  // namespace

std::span<const Leftover> leftovers() {
  static const std::vector<Leftover> rows = load();
  return rows;
}

const Leftover* find_leftover(std::string_view kind, std::string_view name, std::string_view value,
                              const std::string& nccl_version, const std::string& vllm_version) {
  for (const Leftover& row : leftovers()) {
    if (row.kind == kind && row.name == name && is_one_of(value, row.values) &&
        in_range(row.nccl, nccl_version) && in_range(row.vllm, vllm_version)) {
      return &row;
    }
  }
  return nullptr;
}

std::string link_text(const SeenLink& link) {
  return fmt::format("rank {} -> {} via {}", link.from, link.to, link.transport);
}

std::string network_evidence(const Seen& seen, std::string_view kind) {
  const std::string sign = fmt::format("NET/{}", kind);
  for (const SeenLink& link : seen.links) {
    if (!link.same_host && link.transport.starts_with(sign)) return link_text(link);
  }
  // One host alone uses its network for nothing.
  if (seen.networks.size() < 2) return "";
  for (const auto& [host, network] : seen.networks) {
    if (network == kind) return fmt::format("{} used network {}", host, network);
  }
  return "";
}

std::vector<std::string> slow_links_inside_nodes(const Seen& seen) {
  std::vector<std::string> out;
  std::set<std::string> said;
  for (const SeenLink& link : seen.links) {
    if (!link.same_host || link.transport.starts_with("P2P")) continue;
    const std::string kind(split(link.transport, '/')[0]);
    if (!said.insert(kind).second) continue;
    out.push_back(
        fmt::format("{} inside one node ({}): GPUs without NVLink or with peer access off; "
                    "tensor parallelism is slow there",
                    kind, link_text(link)));
  }
  return out;
}

std::string nccl_version_of(const Seen& seen) {
  return seen.nccl_versions.size() == 1 ? seen.nccl_versions[0] : "";
}

}  // namespace rankdx
