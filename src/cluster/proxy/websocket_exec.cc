#include "cluster/proxy/websocket_exec.h"

#include <fmt/format.h>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include "cluster/api_text.h"
#include "cluster/proxy/deadline_socket.h"

namespace rankdx::proxy {

namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;

// Beast asks for these when a websocket closes.
void teardown(beast::role_type, DeadlineSocket& socket, error_code& ec) {
  ::shutdown(socket.fd(), SHUT_RDWR);
  ec = {};
}

namespace {

bool refused(const DeadlineSocket& socket, ExecReply& reply) {
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  error_code ec;
  std::string_view bytes = socket.first_bytes();
  while (!bytes.empty() && !parser.is_done() && !ec) {
    const size_t used = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
    if (used == 0) break;
    bytes.remove_prefix(used);
  }
  const int status = parser.is_header_done() ? static_cast<int>(parser.get().result_int()) : 0;
  refuse_exec(reply, status, status_text({status, parser.get().body(), ""}));
  const bool transport = reply.message.find("pgrade") != std::string::npos ||
                         reply.message.find("protocol") != std::string::npos;
  return reply.end != ExecEnd::Forbidden && !transport;
}

void read_frames(websocket::stream<DeadlineSocket>& ws, const ExecRequest& request,
                 ExecReply& reply) {
  constexpr char kOut = 1, kErr = 2, kStatus = 3;
  beast::flat_buffer buffer;
  error_code ec;
  while (true) {
    buffer.clear();
    ws.read(buffer, ec);
    if (ec) break;
    const std::string_view frame(static_cast<const char*>(buffer.data().data()), buffer.size());
    if (frame.empty()) continue;
    const std::string_view data = frame.substr(1);
    if (frame[0] == kStatus) {
      end_exec(reply, data);
      ws.close(websocket::close_code::normal, ec);
      return;
    }
    std::string* into = frame[0] == kOut ? &reply.out : frame[0] == kErr ? &reply.err : nullptr;
    if (!into) continue;
    into->append(data.substr(0, request.limit_bytes - std::min(request.limit_bytes, into->size())));
    if (into->size() >= request.limit_bytes) {
      reply.end = ExecEnd::Cut;
      reply.message = fmt::format("more than {} KiB of output", request.limit_bytes >> 10);
      return;
    }
  }
  reply.end = ec == boost::asio::error::timed_out ? ExecEnd::TimedOut : ExecEnd::Cut;
  reply.message =
      reply.end == ExecEnd::TimedOut
          ? fmt::format("no end after {} s", static_cast<double>(request.timeout.count()) / 1000)
          : "the connection broke: " + ec.message();
}

bool run_websocket(const Connector& connect, const ExecRequest& request, ExecReply& reply) {
  std::string path =
      fmt::format("/api/v1/namespaces/{}/pods/{}/exec?container={}&stdout=true&stderr=true",
                  url_part(request.ns), url_part(request.pod), url_part(request.container));
  if (!request.input.empty()) path += "&stdin=true";
  for (const std::string& a : request.argv) path += "&command=" + url_part(a);
  websocket::stream<DeadlineSocket> ws(Clock::now() + request.timeout);
  error_code ec = connect(ws.next_layer());
  if (ec) return reply.message = ec.message(), true;
  ws.set_option(websocket::stream_base::decorator([](websocket::request_type& r) {
    // v5 is served from 1.29 on, v4 by all; without standard input they are the same.
    r.set(http::field::sec_websocket_protocol, "v5.channel.k8s.io, v4.channel.k8s.io");
  }));
  ws.read_message_max(16 << 20);
  ws.handshake("localhost", path, ec);
  if (ec == boost::asio::error::timed_out)
    return reply.end = ExecEnd::TimedOut, reply.message = "the API server did not answer", true;
  if (ec == websocket::error::upgrade_declined) return refused(ws.next_layer(), reply);
  if (ec) return reply.end = ExecEnd::Cut, reply.message = ec.message(), true;
  // Only v5 can end the input; programs take what they need of it.
  ws.binary(true);
  if (!request.input.empty())
    ws.write(boost::asio::buffer(std::string(1, '\0') + request.input), ec);
  if (ec) return reply.end = ExecEnd::Cut, reply.message = ec.message(), true;
  read_frames(ws, request, reply);
  return true;
}

}  // namespace

bool exec_by_websocket(const Connector& connect, const ExecRequest& request, ExecReply& reply) {
  try {
    return run_websocket(connect, request, reply);
  } catch (const std::exception& e) {
    reply.message = e.what();
    return true;
  }
}

}  // namespace rankdx::proxy
