// `docker run` (also podman, nerdctl).
#include <algorithm>
#include <array>

#include "base/text.h"
#include "launch/lint/readers.h"

namespace rankdx::lint {
namespace {

constexpr std::array<std::string_view, 18> kSwitches = {"--detach",
                                                        "--help",
                                                        "--init",
                                                        "--interactive",
                                                        "--no-healthcheck",
                                                        "--oom-kill-disable",
                                                        "--privileged",
                                                        "--publish-all",
                                                        "--quiet",
                                                        "--read-only",
                                                        "--replace",
                                                        "--rm",
                                                        "--rmi",
                                                        "--sig-proxy",
                                                        "--tls-verify",
                                                        "--tty",
                                                        "--tz",
                                                        "--disable-content-trust"};

bool is_switch(std::string_view name) {
  if (!name.starts_with("--")) {
    return std::all_of(name.begin() + 1, name.end(), [](char c) {
      return c == 'd' || c == 'i' || c == 't' || c == 'q' || c == 'P';
    });
  }
  return std::find(kSwitches.begin(), kSwitches.end(), name) != kSwitches.end();
}

void take(std::string_view name, const ShellWord& value, Span whole, Group& group, Container& c) {
  const std::string_view text = value.text();
  if (name == "-e" || name == "--env") {
    const size_t equals = text.find('=');
    EnvVar v;
    v.name = text.substr(0, equals);
    v.whole = whole;
    v.name_span = value.value.part(0, equals).span();
    v.form = Form::RunaiFlag;
    if (equals == text.npos) {
      v.value.dynamic = v.from_reference = true;
    } else {
      ShellWord tail = value;
      tail.value = value.value.part(equals + 1);
      v.value = text_of(tail);
      v.value.span =
          tail.value.text.empty() ? Span{value.span.end, value.span.end} : tail.value.span();
    }
    c.env.push_back(std::move(v));
  } else if (name == "--env-file") {
    c.more_env = true;
  } else if (name == "--gpus") {
    c.gpus = text_of(value);
    c.gpu_count = parse_int<int64_t>(text) ? parse_int<int64_t>(text) : count_of_devices(text);
    if (text == "all") c.gpu_count.reset();
  } else if (name == "--shm-size") {
    c.shm = Known::Yes;
    c.shm_bytes = docker_size(text);
    c.shm_span = whole;
  } else if (name == "--ipc" && text != "private" && text != "none") {
    c.shm = Known::Yes;
  } else if (name == "--network" || name == "--net") {
    group.host_network = text == "host";
    group.host_network_span = whole;
  } else if (name == "--ulimit" && text.starts_with("memlock=-1")) {
    c.ipc_lock = Known::Yes;
  } else if (name == "--cap-add" && (text == "IPC_LOCK" || text == "ALL")) {
    c.ipc_lock = Known::Yes;
  } else if (name == "--device" && text.starts_with("/dev/infiniband")) {
    c.rdma = Known::Yes;
    c.rdma_span = whole;
  } else if (name == "--name") {
    group.name = text;
  } else if ((name == "-v" || name == "--volume") && text.find(":/dev/shm") != text.npos) {
    c.shm = Known::Yes;
  } else if (name == "--tmpfs" && text.starts_with("/dev/shm")) {
    c.shm = Known::Yes;
  }
}

}  // namespace

void read_docker(const ShellCommand& command, Launch& launch) {
  const auto& words = command.words;
  Group group;
  group.kind = GroupKind::Docker;
  group.span = words[0].span;
  group.nodes = 1;
  Container c;
  c.span = c.shm_span = words[0].span;
  c.shm = c.ipc_lock = Known::No;
  std::optional<ShellWord> program;
  size_t i = 0;
  while (i < words.size() && words[i].text() != "run") ++i;
  group.add_flag = words[std::min(i, words.size() - 1)].span;
  for (++i; i < words.size() && words[i].text().starts_with('-');) {
    const ShellWord& w = words[i++];
    const size_t equals = w.text().find('=');
    std::string_view name = w.text().substr(0, equals);
    ShellWord value;
    Span whole = w.span;
    if (name == "--privileged") c.privileged = true;
    if (equals != std::string_view::npos) {
      value = w;
      value.value = w.value.part(equals + 1);
    } else if (!is_switch(name) && i < words.size()) {
      value = words[i++];
      whole.end = value.span.end;
    }
    if (name == "--entrypoint") program = value;
    take(name, value, whole, group, c);
  }
  if (i < words.size()) {
    c.image = text_of(words[i]);
    CommandWords rest{{words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end()},
                      Form::ShellWords,
                      {},
                      command.branch};
    const bool server = !program && is_vllm_image(c.image.text);
    const EntryPoint entry = server ? EntryPoint::VllmServe : EntryPoint::Unknown;
    if (program) rest.words.insert(rest.words.begin(), *program);
    if (!rest.words.empty()) read_command(rest, entry, c, launch);
  }
  group.containers.push_back(std::move(c));
  launch.groups.push_back(std::move(group));
}

}  // namespace rankdx::lint
