// The rule pack: knowledge as data. rules/*.toml is written by people, checked against its own
// samples and packed at build time (rule_pack_tool); --rules DIR is loaded and checked the same way
// at run time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/finding.h"
#include "base/result.h"

namespace rankdx {

/// Whom a hit of a rule points at.
enum class Guilty : uint8_t {
  Self,  ///< the process that printed the line
  Peer,  ///< the far end: capture "peer" (address, host) or "peer_rank"
  Rank,  ///< capture "rank" (and "rank2")
  None,  ///< nobody in particular
};

/// Another explanation of the same lines, and what would decide between the two.
struct Rival {
  std::string id;
  std::string ask;
};

/// One rule of the pack. Several rules may share an id (the finding); the first one with a title
/// defines its words.
struct Rule {
  std::string id;       ///< finding id: a slug of the taxonomy
  std::string variant;  ///< distinguishes rules of one id; ""
  std::string title;
  Severity severity = Severity::Error;
  Role role = Role::RootCause;
  Confidence confidence = Confidence::Likely;
  Layer layer = Layer::NcclInit;
  std::string versions;  ///< ">=2.4", "2.18.1-2.22.3", "": any
  std::string
      event;  ///< "", "nccl" (any NCCL line), "nccl.warn", "nccl.info", "text" (not an NCCL line)
  std::string source_file;  ///< of a WARN: its file must begin so, "transport/p2p"; "": any
  std::vector<std::string> literals;  ///< any of them selects the line; 8 characters or more;
                                      ///< empty: a detector raises it
  std::string match;   ///< RE2, searched in the body; named captures; "" = the literal decides
  int at_least = 1;    ///< hits (repetitions counted) that make a finding
  int last_lines = 0;  ///< a try that may be overcome: it counts only within so many lines from the
                       ///< end of its source; 0: anywhere
  std::vector<std::string> unless;       ///< finding ids whose presence silences this rule
  std::vector<std::string> unless_line;  ///< literals: if the same body holds one, no hit
  /// Variants of this id whose hit further down in the same source shows that it passed.
  std::vector<std::string> settled_by;
  std::vector<std::string> explains;  ///< finding ids that follow from this one
  std::vector<Rival> rivals;
  Guilty guilty = Guilty::Self;
  std::string harmless;  ///< reason why this line needs no action; then it is never a finding
  std::string cause;     ///< template: {capture}
  std::vector<Fix> fix;
  std::vector<std::string> needs;
  std::vector<std::string> references;
  std::vector<std::string> source;
  std::vector<std::string> bad, good;  ///< sample lines, whole log lines
  std::string file;                    ///< where it was written: "network.toml:120"
};

class RulePack {
 public:
  /// Parses and checks TOML text (no samples run). `file` names it in errors.
  static Result<RulePack> parse_toml(std::string_view text, std::string_view file);
  /// Reads every *.toml of a directory (or one file) and runs all samples.
  static Result<RulePack> load(const std::string& path);
  /// The packed form: fast to read, nothing is parsed but lengths.
  static Result<RulePack> unpack(std::string_view bytes);
  std::string pack() const;

  /// Appends another pack; rules of the same (id, variant) replace ours.
  void add(RulePack other);
  /// Every bad sample must be hit by its rule, no good sample may be. What is not so, one error
  /// each.
  std::vector<Error> check_samples() const;

  const std::vector<Rule>& rules() const { return rules_; }
  /// The rule that gives a finding its words: the one without a variant, else the first with a
  /// title; or nullptr.
  const Rule* definition(std::string_view id) const;
  /// The rule with exactly this id and variant, or nullptr.
  const Rule* find(std::string_view id, std::string_view variant) const;
  /// All distinct literals, for the scan gate; index i belongs to the rules in rules_of_literal(i).
  /// Made on first use.
  const std::vector<std::string>& literals() const;
  const std::vector<uint32_t>& rules_of_literal(uint32_t literal) const;

 private:
  void index_literals() const;

  std::vector<Rule> rules_;
  mutable std::vector<std::string> literals_;
  mutable std::vector<std::vector<uint32_t>> by_literal_;
};

/// The pack inside the binary (library rankdx_builtin_rules).
const RulePack& builtin_rules();

/// Replaces {name} in a template by its capture; a name without a capture becomes "?". What stands
/// in braces but is no name (a-z, 0-9, _) stays as it is: "{print $1}".
std::string fill(std::string_view text, const std::map<std::string, std::string>& captures);

/// The names that fill() would replace, in order.
std::vector<std::string> template_names(std::string_view text);

}  // namespace rankdx
