// One archive of logs: a .tar.zst with a manifest (manifest.json, last member) that says what is in
// it, with hashes, what was taken out, and what is missing and why. Every text goes through the
// redactor line by line. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "input/input.h"
#include "redact/redactor.h"

namespace rankdx {

struct BundleMember {
  std::string name;    ///< inside the archive: "logs/rank0.log"
  std::string source;  ///< where it came from, as the user would say
  uint64_t bytes = 0, lines = 0;
  std::string sha256;   ///< of the member as it stands in the archive
  std::string problem;  ///< why it is not whole; "" when it is
};

struct BundleLoss {
  std::string source, why;
};

class BundleWriter {
 public:
  /// Creates the file (never overwrites one). With Hide::NamesToo addresses, hosts and users become
  /// pseudonyms as well.
  static Result<BundleWriter> create(const std::string& path, Hide hide);
  BundleWriter(BundleWriter&&) noexcept;
  BundleWriter& operator=(BundleWriter&&) noexcept;
  ~BundleWriter();

  void add_host(std::string_view name);   ///< for Hide::NamesToo
  void hide_host(std::string_view name);  ///< in any case
  /// Redacts and adds one log. A source that breaks gives what came before; the member says so. One
  /// that does not fit any more becomes a loss, and smaller ones may still fit.
  Result<void> add_log(const std::string& name, const std::string& source, ByteSource& bytes);
  Result<void> add_text(const std::string& name, const std::string& source, std::string_view text);
  /// Something that could not be had.
  void add_loss(std::string source, std::string why);

  /// Writes the manifest and closes. What was added is safe in the file even if this fails.
  Result<void> finish();
  const std::vector<BundleMember>& members() const;
  const std::vector<BundleLoss>& losses() const;
  const RedactionCounts& taken_out() const;

 private:
  struct Impl;
  explicit BundleWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rankdx
