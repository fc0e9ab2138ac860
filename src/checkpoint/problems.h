// The words of everything that can be wrong with a model directory, as one table, and the list in
// which a check gathers what it found: one finding per id, however many files are concerned.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/finding.h"

namespace rankdx {

struct ProblemText {
  std::string_view id;
  Severity severity;
  Confidence confidence;
  Layer layer;
  std::string_view title;
  std::string_view cause;  ///< {count} and the names given to add() are filled in
  std::string_view fix;
  std::string_view command;  ///< may be empty
};

/// Sorted by id.
const std::vector<ProblemText>& problem_texts();
const ProblemText* problem_text(std::string_view id);

class Problems {
 public:
  using Names = std::vector<std::pair<std::string_view, std::string>>;

  /// `file` and what is the matter with it become evidence. `names` fill the words; those of the
  /// first call count.
  void add(std::string_view id, std::string file, std::string detail, Names names = {},
           uint64_t line = 0, uint32_t column = 0);
  /// Likewise with a severity other than the table's.
  void add_as(Severity severity, std::string_view id, std::string file, std::string detail,
              Names names = {}, uint64_t line = 0, uint32_t column = 0);
  /// Takes back what a hash has disproved.
  void drop(std::string_view id, std::string_view file);
  bool has(std::string_view id) const;
  size_t count(std::string_view id) const;
  /// The worst severity among these ids and the title that goes with it; nothing where none was
  /// found.
  std::optional<std::pair<Severity, std::string_view>> worst(
      std::initializer_list<std::string_view> ids) const;
  /// Errors first, in the order in which they were found.
  std::vector<Finding> findings() const;

  static constexpr size_t kMostEvidence = 64;

 private:
  struct Found {
    const ProblemText* text;
    Severity severity;
    Names names;
    std::vector<Evidence> evidence;
    size_t count = 0;
  };
  std::vector<Found> found_;
};

}  // namespace rankdx
