// Versions of NCCL, vLLM and their neighbours as they stand in logs and tables, and ranges of them.
// Values without outside memory; free to use from any thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rankdx {

/// "2.28.9+cuda13.0", "v2.18.5-1", "0.10.1rc1", "0.8.5.post1", "0.11.0.dev3+g12ab",
/// "main-2026-08-17". What stands behind '+' or '-' (build, package revision) does not take part in
/// the order.
struct Version {
  enum class Stage : int8_t { Dev, Alpha, Beta, Candidate, Release, Post };

  std::array<int32_t, 4> part{};
  int parts = 0;  ///< how many numbers were written; the others are 0
  Stage stage = Stage::Release;
  int32_t stage_number = 0;
  /// Day of a state of the main branch as 20260817; 0 for releases. It is later than every release:
  /// how it compares with a release made after that day is not known.
  int32_t main_day = 0;

  std::strong_ordering operator<=>(const Version& other) const;
  bool operator==(const Version& other) const { return (*this <=> other) == 0; }
};

/// The version that the whole text is, or nothing.
std::optional<Version> parse_version(std::string_view text);

/// The number that ncclGetVersion gives and PyTorch prints: 21805 is 2.18.5, 2408 is 2.4.8.
std::optional<Version> nccl_version_from_code(int64_t code);

/// "2.28.9", "0.10.1rc1", "main-2026-08-17": without build and leading "v".
std::string to_string(const Version& version);

/// A set of versions. Ends with fewer numbers stand for all that begin so: "2.18-2.20"
/// holds 2.20.5.
class VersionRange {
 public:
  /// "2.18.1-2.22.3", "2.10.3-2.12.12,2.14.3-2.29.3" (either), "v0.7.3..main-2026-08-17" (no upper
  /// end: still there on that day), "2.29.7", "2.24+", ">=2.4", "<=2.3.5", ">2.4", "<2.29",
  /// ">=2.18,<2.23" (both), "" (any).
  static std::optional<VersionRange> parse(std::string_view text);

  bool contains(const Version& version) const;
  /// True for "": nothing is excluded.
  bool any() const { return spans_.empty(); }
  /// The least version inside, when there is a lower end; the greatest one likewise.
  std::optional<Version> first() const;
  std::optional<Version> last() const;

 private:
  enum class End : uint8_t { Included, Excluded };
  struct Bound {
    Version version;
    End end = End::Included;
  };
  struct Span {
    std::optional<Bound> low, high;
    bool contains(const Version& version) const;
  };
  static bool add_comparison(std::string_view term, Span& span);
  static std::optional<Span> parse_span(std::string_view term);

  std::vector<Span> spans_;
};

}  // namespace rankdx
