// Takes secrets, and on demand addresses, host names and user names, out of the lines of a log. A name that occurs twice gets the
// same pseudonym, so that the log stays diagnosable: addresses stay addresses (of 198.18.0.0/15 and 2001:db8::/32, RFC 2544
// and 3849) in the same subnets, hosts become "host-1". One redactor per text; keeps the state of a private key block.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace rankdx {

enum class Hide : uint8_t { SecretsOnly, NamesToo };

/// What was taken out, by kind, for the manifest of a bundle.
struct RedactionCounts {
  uint64_t secrets = 0, addresses = 0, hosts = 0, users = 0;
  uint64_t total() const { return secrets + addresses + hosts + users; }
};

class Redactor {
 public:
  explicit Redactor(Hide hide) : hide_(hide) {}
  /// A host name to hide wherever it stands as a whole word (case matters not). Short or numeric names are refused: they
  /// would blind the log.
  void add_host(std::string_view name);
  /// One line, or any text without newlines.
  std::string redact(std::string_view line);
  const RedactionCounts& counts() const { return counts_; }

 private:
  struct Writer;
  std::string name_for(std::string_view prefix, std::string_view name, std::unordered_map<std::string, std::string>& known);

  Hide hide_;
  bool in_key_block_ = false;
  std::unordered_map<std::string, std::string> hosts_, users_, subnets_, addresses_;
  RedactionCounts counts_;
  friend struct RedactionPass;
};

}  // namespace rankdx
