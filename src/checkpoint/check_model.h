// rankdx model check: is this directory (or this repository in the cache) complete, intact,
// readable and able to start offline, as the given vLLM would load it? Reads headers and small
// files only, unless hashes are asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/check.h"
#include "base/result.h"
#include "checkpoint/access.h"
#include "checkpoint/deep_hash.h"
#include "checkpoint/environment.h"
#include "checkpoint/file_access.h"
#include "checkpoint/layout.h"
#include "checkpoint/parallel.h"

namespace rankdx {

/// Whether what would go to the network is a problem or only worth a note.
enum class NetworkUse : uint8_t { Allowed, MustBeOffline };
enum class Hashes : uint8_t { Skip, Verify };

struct ModelCheckOptions {
  std::string model;  ///< a directory, a .gguf file, or a repository id
  std::string revision = "main";
  LoaderVersion version;
  Environment environment;
  Identity identity;
  NetworkUse network = NetworkUse::Allowed;
  Hashes hashes = Hashes::Skip;
  HashRun hash_run;
  std::string passwd_file = "/etc/passwd";
  std::string mountinfo_file = "/proc/self/mountinfo";
  const FileAccess* files = nullptr;  ///< nullptr: the real ones
  size_t reader_threads = kReaderThreads;
};

/// Errors: Usage, where `model` is empty. A path that is not there is a finding.
Result<CheckReport> check_model(const ModelCheckOptions& options);

}  // namespace rankdx
