// Takes secrets, and on demand addresses, host names and user names, out of the lines of a log. A
// name that occurs twice gets the same pseudonym, so that the log stays diagnosable. One pass over
// a line finds the places where something may begin; everything else is copied as it is. Not for
// several threads at once: one redactor per text, or per report.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "redact/addresses.h"
#include "redact/place_filter.h"

namespace rankdx {

enum class Hide : uint8_t { SecretsOnly, NamesToo };

/// What was taken out, by kind, for the manifest of a bundle.
struct RedactionCounts {
  uint64_t secrets = 0, addresses = 0, hosts = 0, users = 0;
  uint64_t total() const { return secrets + addresses + hosts + users; }
};

class Redactor {
 public:
  explicit Redactor(Hide hide);
  Redactor(Redactor&&) = default;  // no copies: what is remembered points into the names
  /// A host name to hide wherever it stands as a word or a part of one between dashes and dots
  /// (case matters not). Names that are short, numbers or words of every log ("node", "nccl") are
  /// refused: they would blind the log and name nobody.
  void add_host(std::string_view name);
  /// One line without its newline. The block of a private key and a setting whose value stands on
  /// the next line ("name: HF_TOKEN" and "value: …") are remembered from line to line.
  std::string redact(std::string_view line);
  /// The same, appended.
  void redact(std::string_view line, std::string& out);
  const RedactionCounts& counts() const { return counts_; }

 private:
  friend class RedactionPass;
  using Names = std::unordered_map<std::string, std::string>;

  /// What may begin with three bytes.
  struct Watched {
    std::vector<uint8_t> kinds;  ///< by a hash of them
    PlaceFilter filter;          ///< of all that is in kinds
    explicit Watched(Hide hide);
    void add(std::string_view beginning, uint8_t kind, Case letters = Case::Either);
  };
  /// What host() found in a word: the same again, until another name is known.
  struct HostWord {
    static constexpr size_t kMost = 40;
    std::array<char, kMost> word{};
    uint8_t size = 0, length = 0;  ///< of the word; of the name that it begins with
    size_t names = 0;              ///< known then
    const std::string* instead = nullptr;
  };
  std::string name_for(std::string_view prefix, std::string_view name, Names& known);
  bool in_key_block(std::string_view line);
  enum class Colours : uint8_t { StopAt, PassOver };
  bool redact_text(std::string_view line, Colours colours, std::string& out);
  static void find_addresses(std::string_view line, std::span<PlaceFilter::Window> windows);
  HostWord& host_word(std::string_view word);

  Hide hide_;
  int key_lines_ = 0, odd_key_lines_ = 0;  ///< of the block of a private key, 0 outside
  bool value_follows_ = false;             ///< the line before was "name: HF_TOKEN"
  Names hosts_, users_;
  AddressPseudonyms addresses_;
  RedactionCounts counts_;
  Watched watched_;
  std::vector<PlaceFilter::Window> windows_;  ///< memory for those of the line at hand
  std::array<HostWord, 64> host_words_;       ///< by a hash
};

}  // namespace rankdx
