#include "probe/sockets.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "probe/process.h"

namespace rankdx {
namespace {

/// "  0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 12345 ...":
/// address, peer, state (0A listens), ..., inode as the tenth word.
void parse_table(std::string_view text, std::vector<TcpSocket>& out) {
  for (const std::string_view line : split(text, '\n')) {
    std::vector<std::string_view> words;
    for (const std::string_view w : split(line, ' ')) {
      if (!w.empty()) words.push_back(w);
      if (words.size() == 10) break;
    }
    if (words.size() < 10) continue;
    const size_t colon = words[1].rfind(':');
    if (colon == std::string_view::npos) continue;
    const auto port = parse_int<uint16_t>(words[1].substr(colon + 1), 16);
    const auto inode = parse_int<uint64_t>(words[9]);
    if (port && inode) out.push_back({*port, words[3] == "0A", *inode});
  }
}

}  // namespace

Result<std::vector<TcpSocket>> tcp_sockets(const HostView& host) {
  std::vector<TcpSocket> out;
  const auto v4 = host.read("/proc/net/tcp", 32 << 20);
  if (!v4) return tl::unexpected(v4.error());
  parse_table(*v4, out);
  if (const auto v6 = host.read("/proc/net/tcp6", 32 << 20)) parse_table(*v6, out);
  return out;
}

std::vector<Listener> listeners(const HostView& host, const std::vector<TcpSocket>& sockets,
                                const std::set<uint16_t>& ports) {
  std::map<std::string, uint16_t> wanted;
  std::vector<Listener> out;
  for (const TcpSocket& s : sockets) {
    if (!s.listening || !ports.contains(s.port)) continue;
    wanted.emplace("socket:[" + std::to_string(s.inode) + "]", s.port);
    const auto same = [&](const Listener& l) { return l.port == s.port; };
    if (std::none_of(out.begin(), out.end(), same)) out.push_back({s.port, 0, ""});
  }
  if (wanted.empty()) return out;
  for (const int pid : process_ids(host)) {
    const std::string dir = "/proc/" + std::to_string(pid) + "/fd";
    const auto names = host.list(dir);
    if (!names) continue;
    for (const std::string& name : *names) {
      const auto target = host.link(dir + "/" + name);
      const auto it = target ? wanted.find(*target) : wanted.end();
      if (it == wanted.end()) continue;
      for (Listener& l : out) {
        if (l.port == it->second && l.pid == 0)
          l.pid = pid, l.process = read_process(host, pid).name;
      }
    }
  }
  return out;
}

}  // namespace rankdx
