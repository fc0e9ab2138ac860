// launch.toml over toml++. Only this file includes it.
#include "launch/spec_toml.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <array>
#include <variant>

#include "base/text.h"
#include "catalogue/nearest.h"

namespace rankdx {
namespace {

using Strings = std::vector<std::string>;
using Member =
    std::variant<std::string LaunchSpec::*, int LaunchSpec::*, bool LaunchSpec::*,
                 std::optional<int64_t> LaunchSpec::*, Strings LaunchSpec::*,
                 Executor LaunchSpec::*, NetworkKind LaunchSpec::*, Profile LaunchSpec::*>;

struct Key {
  std::string_view table, name;
  Member member;
};

/// In the order in which a file is written.
const std::array<Key, 33> kKeys = {{
    {"", "name", &LaunchSpec::name},
    {"", "namespace", &LaunchSpec::space},
    {"", "model", &LaunchSpec::model},
    {"", "served_name", &LaunchSpec::served_name},
    {"", "image", &LaunchSpec::image},
    {"", "vllm_version", &LaunchSpec::vllm_version},
    {"", "nccl_version", &LaunchSpec::nccl_version},
    {"", "profile", &LaunchSpec::profile},
    {"", "nodes", &LaunchSpec::nodes},
    {"", "gpus_per_node", &LaunchSpec::gpus_per_node},
    {"", "replicas", &LaunchSpec::replicas},
    {"", "tensor_parallel", &LaunchSpec::tensor_parallel},
    {"", "pipeline_parallel", &LaunchSpec::pipeline_parallel},
    {"", "data_parallel", &LaunchSpec::data_parallel},
    {"", "expert_parallel", &LaunchSpec::expert_parallel},
    {"", "executor", &LaunchSpec::executor},
    {"", "network", &LaunchSpec::network},
    {"", "interface", &LaunchSpec::interface},
    {"", "rdma_resource", &LaunchSpec::rdma_resource},
    {"", "uid", &LaunchSpec::uid},
    {"", "gid", &LaunchSpec::gid},
    {"", "air_gapped", &LaunchSpec::air_gapped},
    {"", "host_network", &LaunchSpec::host_network},
    {"", "port", &LaunchSpec::port},
    {"", "master_port", &LaunchSpec::master_port},
    {"", "shm_size", &LaunchSpec::shm_size},
    {"", "memory", &LaunchSpec::memory},
    {"", "load_minutes", &LaunchSpec::load_minutes},
    {"", "hosts", &LaunchSpec::hosts},
    {"", "extra_args", &LaunchSpec::extra_args},
    {"slurm", "partition", &LaunchSpec::partition},
    {"slurm", "account", &LaunchSpec::account},
    {"slurm", "time_limit", &LaunchSpec::time_limit},
}};

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

class Reader {
 public:
  using Done = Result<bool>;

  Reader(std::string_view place, LaunchSpec& spec) : place_(place), spec_(spec) {}

  Done read(const toml::table& root) { return read_keys(root, ""); }

 private:
  tl::unexpected<Error> wrong(const toml::node& node, std::string text, std::string hint = {}) {
    return fail(ErrorCode::Usage, std::move(text),
                fmt::format("{}:{}", place_, node.source().begin.line), std::move(hint));
  }

  Done read_keys(const toml::table& table, std::string_view name) {
    for (const auto& [key, node] : table) {
      const std::string_view word = key.str();
      if (name.empty() && node.is_table()) {
        RANKDX_TRY(read_table(*node.as_table(), word));
        continue;
      }
      const Key* found = nullptr;
      Strings names;
      for (const Key& k : kKeys) {
        if (k.table != name) continue;
        names.emplace_back(k.name);
        if (k.name == word) found = &k;
      }
      if (!found) return unknown(node, word, names);
      RANKDX_TRY(std::visit([&](auto member) { return assign(node, word, spec_.*member); },
                            found->member));
    }
    return true;
  }

  Done unknown(const toml::node& node, std::string_view word, const Strings& names) {
    std::vector<std::string_view> candidates(names.begin(), names.end());
    const auto near = nearest(word, candidates, 1);
    return wrong(node, fmt::format("unknown key {}", word),
                 near.empty() ? "" : fmt::format("did you mean {}?", near[0]));
  }

  Done read_table(const toml::table& table, std::string_view name) {
    if (name == "storage") return read_storage(table, spec_.model_storage);
    if (name == "logs") return read_storage(table, spec_.log_storage);
    if (name == "slurm") return read_keys(table, name);
    if (name != "env") return unknown(table, name, {"storage", "logs", "slurm", "env"});
    for (const auto& [key, node] : table) {
      std::string& value = spec_.env[std::string(key.str())];
      if (const auto n = node.value_exact<int64_t>()) {
        value = std::to_string(*n);
      } else {
        RANKDX_TRY(assign(node, key.str(), value));
      }
    }
    return true;
  }

  Done read_storage(const toml::table& table, Storage& storage) {
    for (const auto& [key, node] : table) {
      const std::string_view word = key.str();
      if (word == "kind") {
        std::string text;
        RANKDX_TRY(assign(node, word, text));
        const auto kind = storage_kind_from(text);
        if (!kind) return wrong(node, "kind is none, pvc, host-path or nfs");
        storage.kind = *kind;
        continue;
      }
      std::string* target = word == "source"  ? &storage.source
                            : word == "path"  ? &storage.path
                            : word == "size"  ? &storage.size
                            : word == "class" ? &storage.storage_class
                                              : nullptr;
      if (!target) return unknown(node, word, {"kind", "source", "path", "size", "class"});
      RANKDX_TRY(assign(node, word, *target));
    }
    return true;
  }

  Done assign(const toml::node& node, std::string_view key, std::string& target) {
    const auto value = node.value_exact<std::string>();
    if (!value) return wrong(node, fmt::format("{} is no text", key));
    target = *value;
    return true;
  }
  Done assign(const toml::node& node, std::string_view key, int& target) {
    const auto value = node.value_exact<int64_t>();
    if (!value || *value < -0x7fffffff || *value > 0x7fffffff) {
      return wrong(node, fmt::format("{} is no whole number", key));
    }
    target = static_cast<int>(*value);
    return true;
  }
  Done assign(const toml::node& node, std::string_view key, std::optional<int64_t>& target) {
    const auto value = node.value_exact<int64_t>();
    if (!value) return wrong(node, fmt::format("{} is no whole number", key));
    target = *value;
    return true;
  }
  Done assign(const toml::node& node, std::string_view key, bool& target) {
    const auto value = node.value_exact<bool>();
    if (!value) return wrong(node, fmt::format("{} is neither true nor false", key));
    target = *value;
    return true;
  }
  Done assign(const toml::node& node, std::string_view key, Strings& target) {
    if (!node.is_array()) return wrong(node, fmt::format("{} is no list of texts", key));
    target.clear();
    for (const toml::node& item : *node.as_array()) {
      RANKDX_TRY(assign(item, key, target.emplace_back()));
    }
    return true;
  }
  template <class Enum>
  Done assign_word(const toml::node& node, std::string_view key, Enum& target,
                   std::optional<Enum> (*from)(std::string_view), const char* words) {
    std::string text;
    RANKDX_TRY(assign(node, key, text));
    const auto value = from(text);
    if (!value) return wrong(node, fmt::format("{} is {}", key, words));
    target = *value;
    return true;
  }
  Done assign(const toml::node& node, std::string_view key, Executor& target) {
    return assign_word(node, key, target, executor_from, "auto, mp or ray");
  }
  Done assign(const toml::node& node, std::string_view key, NetworkKind& target) {
    return assign_word(node, key, target, network_from, "ethernet, roce, infiniband or efa");
  }
  Done assign(const toml::node& node, std::string_view key, Profile& target) {
    return assign_word(node, key, target, profile_from, "debug or production");
  }

  std::string_view place_;
  LaunchSpec& spec_;
};

std::string written(const std::string& v) { return toml_text(v); }
std::string written(int v) { return std::to_string(v); }
std::string written(bool v) { return v ? "true" : "false"; }
std::string written(const std::optional<int64_t>& v) { return std::to_string(v.value_or(0)); }
std::string written(Executor v) { return toml_text(to_string(v)); }
std::string written(NetworkKind v) { return toml_text(to_string(v)); }
std::string written(Profile v) { return toml_text(to_string(v)); }
std::string written(const Strings& v) {
  Strings parts;
  for (const std::string& s : v) parts.push_back(toml_text(s));
  return "[" + join(parts, ", ") + "]";
}

void write_storage(std::string& out, std::string_view table, const Storage& st) {
  if (st == Storage{}) return;
  out += fmt::format("\n[{}]\nkind = {}\n", table, toml_text(to_string(st.kind)));
  const auto line = [&](std::string_view key, const std::string& text) {
    if (!text.empty()) out += fmt::format("{} = {}\n", key, toml_text(text));
  };
  line("source", st.source);
  line("path", st.path);
  line("size", st.size);
  line("class", st.storage_class);
}

}  // namespace

Result<bool> apply_launch_toml(std::string_view text, std::string_view place, LaunchSpec& spec) {
  try {
    return Reader(place, spec).read(toml::parse(text, place));
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::Usage, fmt::format("this is no TOML: {}", error.description()),
                fmt::format("{}:{}", place, error.source().begin.line));
  }
}

Result<LaunchSpec> read_launch_toml(std::string_view text, std::string_view place) {
  LaunchSpec spec;
  RANKDX_TRY(apply_launch_toml(text, place, spec));
  return spec;
}

std::string to_launch_toml(const LaunchSpec& spec) {
  const LaunchSpec none;
  std::string out, slurm;
  for (const Key& key : kKeys) {
    std::visit(
        [&](auto member) {
          if (spec.*member == none.*member) return;
          (key.table.empty() ? out : slurm) +=
              fmt::format("{} = {}\n", key.name, written(spec.*member));
        },
        key.member);
  }
  if (!slurm.empty()) out += "\n[slurm]\n" + slurm;
  write_storage(out, "storage", spec.model_storage);
  write_storage(out, "logs", spec.log_storage);
  if (!spec.env.empty()) out += "\n[env]\n";
  for (const auto& [name, value] : spec.env) {
    out += fmt::format("{} = {}\n", name, toml_text(value));
  }
  return out;
}

}  // namespace rankdx
