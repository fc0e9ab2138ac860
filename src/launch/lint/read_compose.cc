// Compose files: one container per service.
#include "base/text.h"
#include "launch/lint/readers.h"

namespace rankdx::lint {
namespace {

bool is_dynamic(std::string_view text) {
  for (size_t at = text.find('$'); at != text.npos; at = text.find('$', at + 1)) {
    if (at + 1 < text.size() && text[at + 1] == '$') {
      ++at;
      continue;
    }
    return true;
  }
  return false;
}

Text compose_text(const YamlNode& node) {
  Text t = text_of(node);
  t.dynamic = t.dynamic || is_dynamic(t.text);
  return t;
}

void environment(const YamlNode& env, const SourceText& source, Container& c) {
  for (const auto& [key, value] : env.members()) {
    EnvVar v;
    v.name = key.text();
    v.name_span = key.span();
    v.value = value.is_scalar() ? compose_text(value) : Text{"", key.span(), true};
    v.from_reference = !value.is_scalar();
    v.form = env.flow() ? Form::None : Form::BlockMap;
    v.whole = {source.line_begin(key.span().begin), source.line_end(key.span().begin)};
    c.env.push_back(std::move(v));
  }
  for (const YamlNode& item : env.items()) {
    const MappedText text = item.mapped();
    const size_t equals = text.text.find('=');
    EnvVar v;
    v.name = text.text.substr(0, equals);
    v.name_span = item.span();
    v.whole = {source.line_begin(item.span().begin), source.line_end(item.span().begin)};
    v.form = env.flow() ? Form::None : Form::BlockMap;
    if (equals == text.text.npos) {
      v.value.dynamic = v.from_reference = true;
    } else {
      const MappedText value = text.part(equals + 1);
      v.name_span = text.part(0, equals).span();
      const Span end{item.span().end, item.span().end};
      v.value = {value.text, value.text.empty() ? end : value.span(), is_dynamic(value.text)};
    }
    c.env.push_back(std::move(v));
  }
}

void devices(const YamlNode& service, Container& c) {
  for (const YamlNode& d : service.at("deploy.resources.reservations.devices").items()) {
    bool gpu = false;
    for (const YamlNode& cap : d["capabilities"].items()) {
      gpu |= cap.text() == "gpu";
      for (const YamlNode& inner : cap.items()) gpu |= inner.text() == "gpu";
    }
    if (!gpu) continue;
    const YamlNode count = d["count"], ids = d["device_ids"];
    c.gpus = text_of(count ? count : ids);
    c.gpu_count = ids.is_sequence() ? std::optional<int64_t>(ids.items().size()) : count.number();
  }
  for (const YamlNode& d : service["devices"].items()) {
    if (d.text().starts_with("/dev/infiniband")) {
      c.rdma = Known::Yes;
      c.rdma_span = d.span();
    }
  }
}

void limits(const YamlNode& service, Container& c) {
  c.privileged = service["privileged"].truth().value_or(false);
  c.ipc_lock = Known::No;
  for (const YamlNode& cap : service["cap_add"].items()) {
    if (cap.text() == "IPC_LOCK" || cap.text() == "ALL") c.ipc_lock = Known::Yes;
  }
  const YamlNode memlock = service.at("ulimits.memlock");
  if (memlock.text() == "-1" || memlock["soft"].text() == "-1") c.ipc_lock = Known::Yes;
  c.shm = Known::No;
  c.shm_span = c.span;
  const YamlNode size = service["shm_size"];
  if (size) {
    c.shm = Known::Yes;
    c.shm_bytes = docker_size(size.text());
    c.shm_span = size.span();
  }
  const std::string_view ipc = service["ipc"].text();
  if (!ipc.empty() && ipc != "private" && ipc != "none") {
    c.shm = Known::Yes;
    c.shm_bytes.reset();
  }
  for (const YamlNode& t : service["tmpfs"].items()) {
    if (t.text().starts_with("/dev/shm")) c.shm = Known::Yes;
  }
  for (const YamlNode& v : service["volumes"].items()) {
    if (v.text().find(":/dev/shm") != std::string_view::npos || v["target"].text() == "/dev/shm")
      c.shm = Known::Yes;
  }
}

/// A text is cut into words as a shell does, a list is taken as it is; "$$" is a dollar for the
/// container.
CommandWords words_of(const YamlNode& node, Launch& launch) {
  CommandWords out;
  if (node.is_scalar()) {
    const ShellScript script = parse_shell(node.mapped());
    note_problems(script, launch);
    for (const ShellCommand& c : script.commands)
      out.words.insert(out.words.end(), c.words.begin(), c.words.end());
    return out;
  }
  out.form = node.flow() ? Form::FlowList : Form::BlockList;
  for (const YamlNode& item : node.items()) {
    if (item.is_scalar())
      out.words.push_back({item.mapped(), item.span(), is_dynamic(item.text()), true});
  }
  return out;
}

void service_of(const YamlNode& key, const YamlNode& service, const SourceText& source,
                Launch& launch) {
  Group group;
  group.kind = GroupKind::Compose;
  group.name = key.text();
  group.span = key.span();
  group.nodes = 1;
  group.replicas = service.at("deploy.replicas").number();
  group.host_network = service["network_mode"].text() == "host";
  Container c;
  c.name = key.text();
  c.span = key.span();
  c.image = compose_text(service["image"]);
  c.more_env = static_cast<bool>(service["env_file"]);
  environment(service["environment"], source, c);
  devices(service, c);
  limits(service, c);
  CommandWords words = words_of(service["entrypoint"], launch);
  const bool own_entry = !words.words.empty();
  CommandWords command = words_of(service["command"], launch);
  words.words.insert(words.words.end(), command.words.begin(), command.words.end());
  if (!command.words.empty()) words.form = command.form;
  if (!words.words.empty()) {
    const bool server = !own_entry && is_vllm_image(c.image.text);
    read_command(words, server ? EntryPoint::VllmServe : EntryPoint::Unknown, c, launch);
  }
  group.containers.push_back(std::move(c));
  launch.groups.push_back(std::move(group));
}

}  // namespace

void read_compose(const YamlNode& document, Launch& launch) {
  const SourceText* source = document.source();
  for (const auto& [key, service] : document["services"].members()) {
    if (service.is_map() && source != nullptr) service_of(key, service, *source, launch);
  }
}

}  // namespace rankdx::lint
