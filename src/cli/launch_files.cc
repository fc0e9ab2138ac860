#include "cli/launch_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/flags.h"
#include "launch/spec_toml.h"
#include "present/finding_json.h"
#include "present/safe_text.h"

namespace rankdx {
namespace {

constexpr size_t kMaxFile = 16 << 20;

using FileHandle = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

tl::unexpected<Error> system_error(const char* what, const std::string& path) {
  return fail(ErrorCode::Unreadable, fmt::format("{}: {}", what, std::strerror(errno)), path);
}

Result<bool> write_file(const LaunchFile& file, const std::string& path, Existing existing) {
  if (existing == Existing::Keep) {
    const FileHandle there(std::fopen(path.c_str(), "rb"), &std::fclose);
    if (there) {
      const std::string text = RANKDX_TRY(read_text_file(path));
      if (text == file.text) return true;
      return fail(ErrorCode::Usage, "is there already and differs", path, "--force replaces it");
    }
  }
  FileHandle out(std::fopen(path.c_str(), "wb"), &std::fclose);
  if (!out) return system_error("cannot be written", path);
  if (std::fwrite(file.text.data(), 1, file.text.size(), out.get()) != file.text.size() ||
      std::fclose(out.release()) != 0) {
    return system_error("cannot be written", path);
  }
  if (file.text.starts_with("#!")) ::chmod(path.c_str(), 0755);
  return true;
}

/// "key=value" of --set as a line of launch.toml; a value that is no number, truth value or list is
/// a text.
std::string toml_line(std::string_view setting) {
  std::string_view value;
  const std::string_view key = take_until(setting, '=', value);
  const bool bare = parse_int<int64_t>(value) || value == "true" || value == "false" ||
                    value.starts_with('[') || value.starts_with('"');
  if (bare) return fmt::format("{} = {}\n", key, value);
  std::string quoted = replace_all(replace_all(value, "\\", "\\\\"), "\"", "\\\"");
  return fmt::format("{} = \"{}\"\n", key, quoted);
}

}  // namespace

Result<std::string> read_text_file(const std::string& path) {
  const bool standard_input = path == "-";
  FileHandle opened(standard_input ? nullptr : std::fopen(path.c_str(), "rb"), &std::fclose);
  std::FILE* in = standard_input ? stdin : opened.get();
  if (!in) return system_error("cannot be read", path);
  std::string text;
  char block[1 << 16];
  for (size_t got; (got = std::fread(block, 1, sizeof block, in)) > 0;) {
    text.append(block, got);
    if (text.size() > kMaxFile) return fail(ErrorCode::Unreadable, "is larger than 16 MiB", path);
  }
  if (std::ferror(in)) return system_error("cannot be read", path);
  return text;
}

Result<bool> write_launch_files(const LaunchFiles& files, const std::string& directory,
                                Existing existing) {
  if (::mkdir(directory.c_str(), 0777) != 0 && errno != EEXIST) {
    return system_error("cannot be made", directory);
  }
  for (const LaunchFile& file : files) {
    RANKDX_TRY(write_file(file, directory + "/" + file.name, existing));
  }
  return true;
}

std::string in_a_row(const LaunchFiles& files) {
  if (files.size() == 1) return files[0].text;
  std::string out;
  for (const LaunchFile& file : files)
    out += fmt::format("# ==> {} <==\n{}\n", file.name, file.text);
  return out;
}

void declare(SpecFlags& s, Flags& flags) {
  flags.text("-f,--file", s.file, "launch.toml, or - for standard input; flags go before it");
  flags.text("--model", s.model, "hub name or directory inside the container");
  flags.text("--image", s.image, "container image");
  flags.text("--name", s.name, "name of the workload");
  flags.text("-n,--namespace,--project", s.space, "Kubernetes namespace or Run:ai project");
  flags.text("--vllm", s.vllm, "version of vLLM; else the image's tag");
  flags.text("--nccl", s.nccl, "version of NCCL");
  flags.number("--nodes", s.nodes, 1, 4096, "pods or hosts, the leader included");
  flags.number("--gpus", s.gpus, 1, 128, "GPUs per node");
  flags.number("--tp", s.tp, 1, 4096, "tensor parallel size");
  flags.number("--pp", s.pp, 1, 4096, "pipeline parallel size");
  flags.number("--dp", s.dp, 1, 4096, "data parallel size");
  flags.on("--ep", s.expert_parallel, "expert parallelism");
  flags.text("--network", s.network, "ethernet, roce, infiniband or efa");
  flags.text("--executor", s.executor, "mp or ray; else by launcher and version");
  flags.list("--hosts", s.hosts, "addresses for docker, compose and ssh, the leader first");
  flags.on("--air-gapped", s.air_gapped, "nothing can be fetched at start");
  flags.list("--set", s.set, "KEY=VALUE of launch.toml, as storage.kind=pvc");
}

Result<LaunchSpec> spec_of(const SpecFlags& s) {
  std::string text, place = "flags";
  if (!s.file.empty()) {
    text = RANKDX_TRY(read_text_file(s.file));
    place = s.file == "-" ? "standard input" : s.file;
  }
  LaunchSpec spec = RANKDX_TRY(read_launch_toml(text, place));
  for (const std::string& setting : s.set) {
    RANKDX_TRY(apply_launch_toml(toml_line(setting), "--set " + setting, spec));
  }
  const auto text_flag = [](const std::string& value, std::string& target) {
    if (!value.empty()) target = value;
  };
  text_flag(s.model, spec.model);
  text_flag(s.image, spec.image);
  text_flag(s.name, spec.name);
  text_flag(s.space, spec.space);
  text_flag(s.vllm, spec.vllm_version);
  text_flag(s.nccl, spec.nccl_version);
  const auto number_flag = [](const std::optional<int64_t>& value, int& target) {
    if (value) target = static_cast<int>(*value);
  };
  number_flag(s.nodes, spec.nodes);
  number_flag(s.gpus, spec.gpus_per_node);
  number_flag(s.tp, spec.tensor_parallel);
  number_flag(s.pp, spec.pipeline_parallel);
  number_flag(s.dp, spec.data_parallel);
  for (const auto& [key, value] :
       {std::pair{"network", &s.network}, {"executor", &s.executor}, {"profile", &s.profile}}) {
    if (value->empty()) continue;
    RANKDX_TRY(apply_launch_toml(toml_line(std::string(key) + "=" + *value),
                                 std::string("--") + key, spec));
  }
  if (!s.hosts.empty()) spec.hosts = s.hosts;
  spec.air_gapped = spec.air_gapped || s.air_gapped;
  spec.expert_parallel = spec.expert_parallel || s.expert_parallel;
  return spec;
}

std::string changes_text(const std::vector<Change>& changes, int width) {
  std::string out;
  for (const Change& c : changes) {
    const auto shown = [](const std::optional<std::string>& v) {
      return !v ? std::string("(not set)") : v->empty() ? std::string("(set)") : safe_text(*v);
    };
    out += fmt::format("  {}: {} -> {}\n", safe_text(c.name), shown(c.before), shown(c.after));
    if (c.reason.empty()) continue;
    out += "      " + wrapped(safe_text(c.reason), static_cast<size_t>(width) - 6, "      ") + "\n";
  }
  return out;
}

std::string changes_json(const std::vector<Change>& changes, const std::vector<std::string>& notes,
                         std::string_view diff) {
  OrderedJson list = OrderedJson::array();
  for (const Change& c : changes) {
    const char* kind = c.kind == ChangeKind::Variable ? "variable"
                       : c.kind == ChangeKind::Flag   ? "flag"
                                                      : "launch";
    const auto value = [](const std::optional<std::string>& v) {
      return v ? OrderedJson(*v) : OrderedJson(nullptr);
    };
    list.push_back({{"kind", kind},
                    {"name", c.name},
                    {"before", value(c.before)},
                    {"after", value(c.after)},
                    {"reason", c.reason}});
  }
  OrderedJson root = {{"schema", "rankdx.changes/1"},
                      {"changes", list},
                      {"notes", notes},
                      {"diff", std::string(diff)}};
  return dumped(root);
}

}  // namespace rankdx
