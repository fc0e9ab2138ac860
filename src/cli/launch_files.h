// Launch files between the disk and the library: the launch subcommands share it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "launch/changes.h"
#include "launch/launchers/launchers.h"
#include "launch/spec.h"

namespace rankdx {

class Flags;

/// A text file of at most 16 MiB; "-" is standard input.
Result<std::string> read_text_file(const std::string& path);

/// Writes the files into the directory, made when it is missing; scripts become executable. A file
/// that is there and differs is an error unless `replace`.
enum class Existing : uint8_t { Keep, Replace };
Result<bool> write_launch_files(const LaunchFiles& files, const std::string& directory,
                                Existing existing);

/// The files one after another, each behind a line with its name when there are several.
std::string in_a_row(const LaunchFiles& files);

/// A description of a launch from -f and from flags, which win.
struct SpecFlags {
  std::string file, model, image, name, space, vllm, nccl, network, profile, executor;
  std::optional<int64_t> nodes, gpus, tp, pp, dp;
  std::vector<std::string> hosts, set;
  bool air_gapped = false, expert_parallel = false;
};
void declare(SpecFlags& spec, Flags& flags);
Result<LaunchSpec> spec_of(const SpecFlags& flags);

/// "  NCCL_DEBUG  INFO -> WARN" and the reason, for a terminal of that width.
std::string changes_text(const std::vector<Change>& changes, int width);
std::string changes_json(const std::vector<Change>& changes, const std::vector<std::string>& notes,
                         std::string_view diff);

}  // namespace rankdx
