// What a diagnosis or a check has to say: the one type that every room reports with
// (fields as in the JSON contract rankdx.diagnosis/1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rankdx {

enum class Role : uint8_t { RootCause, Contributing, Consequence, Note };
enum class Severity : uint8_t { Error, Warning, Info };
enum class Confidence : uint8_t { Certain, Likely, Possible };
enum class Verdict : uint8_t { Healthy, Warning, Failed, Undetermined };

/// The layer of the stack in which a cause sits, from the ground up. A failure in a lower layer can
/// cause one in a higher layer; the reverse needs a rule that says so.
enum class Layer : uint8_t {
  Hardware,
  Driver,
  Container,
  Files,
  Network,
  Config,
  Rendezvous,
  NcclInit,
  NcclRun,
  Framework,
  Engine,
  Orchestrator
};

/// Who is concerned. Absent knowledge is empty or nullopt, never a guess.
struct Where {
  std::string host;  ///< as printed in the log
  std::string pod;
  std::optional<int> rank;
  std::optional<int> gpu;  ///< CUDA ordinal inside the process
  std::string peer;        ///< address, host or rank at the other end, as printed
  std::string interface;
  auto operator<=>(const Where&) const = default;
};

/// A line of the input that proves something.
struct Evidence {
  std::string source;   ///< file name as the user gave it
  uint64_t line = 0;    ///< 1-based; 0 when the source has no lines
  std::string text;     ///< the line as it stands in the input (control characters still in it)
  uint32_t column = 0;  ///< 1-based; 0 unknown
  auto operator<=>(const Evidence&) const = default;
};

struct Fix {
  std::string for_;  ///< "kubernetes", "docker", "slurm", "any" ...
  std::string text;
  std::string command;  ///< may be empty
};

struct Finding {
  std::string id;  ///< taxonomy slug, or a rule's own id
  Role role = Role::Note;
  Severity severity = Severity::Info;
  Confidence confidence = Confidence::Possible;
  Layer layer = Layer::NcclInit;
  std::string title;
  std::string cause;
  std::vector<Where> where;
  std::vector<Evidence> evidence;
  std::vector<Fix> fix;
  std::vector<std::string> references;
  std::vector<std::string> needs;     ///< what to bring when this stays open
  std::vector<std::string> explains;  ///< ids of findings that follow from this one
};

std::string_view to_string(Role role);
std::string_view to_string(Severity severity);
std::string_view to_string(Confidence confidence);
std::string_view to_string(Verdict verdict);
std::string_view to_string(Layer layer);
std::optional<Role> role_from(std::string_view word);
std::optional<Severity> severity_from(std::string_view word);
std::optional<Confidence> confidence_from(std::string_view word);
std::optional<Layer> layer_from(std::string_view word);

}  // namespace rankdx
