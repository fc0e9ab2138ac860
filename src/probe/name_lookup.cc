#include "probe/name_lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/text.h"

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

/// Shared with the thread that asks, which may outlive the caller.
struct Answer {
  std::mutex mutex;
  std::condition_variable arrived;
  std::optional<NameLookup> lookup;
};

NameLookup resolve(const std::string& name, std::chrono::milliseconds timeout) {
  const auto answer = std::make_shared<Answer>();
  std::thread([answer, name] {
    NameLookup found = resolve_now(name);
    const std::lock_guard lock(answer->mutex);
    answer->lookup = std::move(found);
    answer->arrived.notify_one();
  }).detach();
  std::unique_lock lock(answer->mutex);
  if (answer->arrived.wait_for(lock, timeout, [&] { return answer->lookup.has_value(); })) {
    return *answer->lookup;
  }
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
