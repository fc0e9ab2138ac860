#include "probe/name_lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/text.h"
#include "probe/within.h"

namespace rankdx {
namespace {

NameLookup resolve_now(const std::string& name) {
  NameLookup out;
  out.source = "getaddrinfo";
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  const int code = getaddrinfo(name.c_str(), nullptr, &hints, &first);
  // EAI_NONAME is an answer: nobody knows the name. Everything else says nothing about it.
  if (code != 0 && code != EAI_NONAME && code != EAI_NODATA) out.error = gai_strerror(code);
  for (const addrinfo* i = first; i != nullptr; i = i->ai_next) {
    char text[INET6_ADDRSTRLEN] = "";
    const void* bytes =
        i->ai_family == AF_INET
            ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(i->ai_addr)->sin_addr)
            : &reinterpret_cast<sockaddr_in6*>(i->ai_addr)->sin6_addr;
    if (inet_ntop(i->ai_family, bytes, text, sizeof text) != nullptr) out.addresses.push_back(text);
  }
  if (first != nullptr) freeaddrinfo(first);
  return out;
}

NameLookup resolve(const std::string& name, std::chrono::milliseconds timeout) {
  auto found = within(timeout, [name] { return resolve_now(name); });
  if (found) return std::move(*found);
  return {{},
          "getaddrinfo",
          "the name server gives no answer within " + std::to_string(timeout.count()) + " ms"};
}

}  // namespace

std::vector<std::string> addresses_in_hosts(std::string_view hosts, std::string_view name) {
  std::vector<std::string> out;
  for (std::string_view line : split(hosts, '\n')) {
    std::string_view comment;
    line = take_until(line, '#', comment);
    std::string address;
    std::string spaced(line);
    std::replace_if(spaced.begin(), spaced.end(), is_space, ' ');
    for (const std::string_view word : split(spaced, ' ')) {
      if (word.empty()) continue;
      if (address.empty()) {
        address = word;
      } else if (lower(word) == lower(name)) {
        out.push_back(address);
        break;
      }
    }
  }
  return out;
}

NameLookup lookup_name(const HostView& host, std::string_view name,
                       std::chrono::milliseconds timeout) {
  if (const auto hosts = host.read("/etc/hosts")) {
    auto found = addresses_in_hosts(*hosts, name);
    if (!found.empty()) return {std::move(found), "/etc/hosts", {}};
  }
  if (host.is_this_machine()) return resolve(std::string(name), timeout);
  return {{}, "/etc/hosts", "not in /etc/hosts; DNS is not asked for another root"};
}

}  // namespace rankdx
