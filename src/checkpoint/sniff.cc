#include "checkpoint/sniff.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace rankdx {
namespace {

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Sniffed lfs_pointer(std::string_view head) {
  Sniffed found{Fake::LfsPointer, "a Git LFS pointer", {}, {}};
  for (std::string_view line : split(head, '\n')) {
    line = trim(line);
    if (line.starts_with("oid sha256:") && is_sha256(line.substr(11))) found.oid = line.substr(11);
    if (line.starts_with("size ")) found.lfs_bytes = parse_int<uint64_t>(line.substr(5));
  }
  if (found.lfs_bytes) found.what += " for " + std::to_string(*found.lfs_bytes) + " bytes";
  if (!found.oid.empty()) found.what += ", sha256 " + found.oid;
  return found;
}

/// How saved answers of web servers and of the hub begin; lower case.
constexpr std::array<std::string_view, 9> kPages = {
    "<!doctype html",   "<html",           "<?xml",
    "{\"error\":",      "{\"message\":\"", "entry not found",
    "repository not f", "access to model", "invalid username or"};

}  // namespace

Sniffed sniff(std::string_view head, uint64_t bytes) {
  if (bytes == 0) return {Fake::Empty, "0 bytes", {}, {}};
  if (head.starts_with("version https://git-lfs.github.com/spec/")) return lfs_pointer(head);
  // Pages and messages are short; no header of weights begins with a letter or '<' either.
  if (bytes > 1u << 20) return {};
  const std::string start = lower(trim(head).substr(0, 64));
  const bool page = std::any_of(kPages.begin(), kPages.end(),
                                [&](std::string_view p) { return start.starts_with(p); });
  if (!page) return {};
  std::string_view rest;
  const std::string_view first_line = take_until(trim(head), '\n', rest).substr(0, 160);
  return {Fake::ErrorPage, "begins with: " + std::string(first_line), {}, {}};
}

}  // namespace rankdx
