#include "cluster/api_text.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace rankdx {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxText = 600;

std::string shortened_text(std::string_view text) {
  text = trim(text);
  return text.size() <= kMaxText ? std::string(text)
                                 : std::string(text.substr(0, kMaxText)) + " ...";
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string string_at(const Json& json, const char* key) {
  if (!json.is_object()) return "";
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

/// The reasons of Status objects as kubectl prints them in brackets (k8s.io/apimachinery meta/v1).
struct Reason {
  std::string_view word;
  int status;
};
constexpr std::array<Reason, 12> kReasons = {{{"BadRequest", 400},
                                              {"Conflict", 409},
                                              {"Expired", 410},
                                              {"Forbidden", 403},
                                              {"Gone", 410},
                                              {"InternalError", 500},
                                              {"MethodNotAllowed", 405},
                                              {"NotFound", 404},
                                              {"ServiceUnavailable", 503},
                                              {"Timeout", 504},
                                              {"TooManyRequests", 429},
                                              {"Unauthorized", 401}}};

/// Ends that only the text tells.
bool end_by_text(ExecReply& reply, std::string_view text) {
  struct Row {
    std::string_view part;
    ExecEnd end;
  };
  // Texts of runc, containerd, kubelet and API server 1.20 to 1.33 (recorded).
  constexpr std::array<Row, 11> kRows = {
      {{"executable file not found", ExecEnd::NoProgram},
       {"no such file or directory: unknown", ExecEnd::NoProgram},
       {"container not found", ExecEnd::NoContainer},
       {"completed pod", ExecEnd::NoContainer},
       {"does not have a host assigned", ExecEnd::NoContainer},
       {"is not valid for pod", ExecEnd::NoContainer},
       {"container is not running", ExecEnd::NoContainer},
       {"error dialing backend", ExecEnd::Unreachable},
       {"is forbidden", ExecEnd::Forbidden},
       {"(Forbidden)", ExecEnd::Forbidden},
       {"(NotFound)", ExecEnd::NoContainer}}};
  for (const Row& row : kRows) {
    if (!holds(text, row.part)) continue;
    reply.end = row.end;
    return true;
  }
  return false;
}

}  // namespace

std::string status_text(const ApiReply& reply) {
  const Json json = Json::parse(reply.body, nullptr, false);
  std::string text = json.is_discarded() ? "" : string_at(json, "message");
  if (text.empty()) text = reply.body;
  if (trim(text).empty()) text = fmt::format("HTTP status {}", reply.status);
  return shortened_text(text);
}

std::string url_part(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

void end_exec(ExecReply& reply, std::string_view status_json) {
  const Json json = Json::parse(status_json, nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    reply.message = shortened_text(status_json);
    if (!end_by_text(reply, reply.message)) reply.end = ExecEnd::Failed;
    return;
  }
  if (string_at(json, "status") == "Success") {
    reply.end = ExecEnd::Exited, reply.exit_code = 0;
    return;
  }
  reply.message = shortened_text(string_at(json, "message"));
  if (string_at(json, "reason") == "NonZeroExitCode" && json.contains("details") &&
      json["details"].is_object()) {
    for (const Json& cause : json["details"].value("causes", Json::array())) {
      if (string_at(cause, "reason") != "ExitCode") continue;
      reply.end = ExecEnd::Exited;
      reply.exit_code = parse_int<int>(string_at(cause, "message")).value_or(1);
      return;
    }
  }
  if (!end_by_text(reply, reply.message)) reply.end = ExecEnd::Failed;
}

void refuse_exec(ExecReply& reply, int status, std::string text) {
  reply.message = shortened_text(text);
  if (status == 401 || status == 403) {
    reply.end = ExecEnd::Forbidden;
  } else if (!end_by_text(reply, text)) {
    reply.end = status == 404 ? ExecEnd::NoContainer : ExecEnd::Failed;
  }
}

void end_kubectl_exec(ExecReply& reply, int exit_code) {
  const std::string_view err = reply.err;
  reply.exit_code = exit_code;
  reply.end = ExecEnd::Exited;
  if (exit_code == 0) return;
  // kubectl's own words stand last: "command terminated with exit code N" marks the program's code
  // as its own.
  if (holds(err, "command terminated with exit code")) {
    const size_t at = err.rfind("command terminated with exit code");
    reply.err.erase(at);
    // runc's 126 and 127 with its text: the program was never started.
    if (holds(reply.err, "OCI runtime exec failed"))
      reply.message = shortened_text(reply.err), end_by_text(reply, reply.message);
    return;
  }
  reply.message = kubectl_complaint(err);
  if (end_by_text(reply, reply.message)) return;
  const bool cut = holds(err, "connection reset") || holds(err, "unexpected EOF") ||
                   holds(err, "error reading from error stream") || holds(err, "broken pipe");
  reply.end = cut ? ExecEnd::Cut : ExecEnd::Failed;
}

std::string kubectl_complaint(std::string_view err) {
  std::string_view best, any;
  for (std::string_view rest = err; !rest.empty();) {
    const std::string_view line = trim(take_until(rest, '\n', rest));
    if (line.empty()) continue;
    any = line;
    const bool is_log = line.size() > 5 && (line[0] == 'E' || line[0] == 'W' || line[0] == 'I') &&
                        is_digit(line[1]) && is_digit(line[4]);
    if (!is_log) best = line;
  }
  return shortened_text(best.empty() ? any : best);
}

ApiReply kubectl_failure(std::string_view err) {
  ApiReply reply;
  const std::string text = kubectl_complaint(err);
  constexpr std::string_view kMark = "Error from server";
  if (!text.starts_with(kMark)) {
    if (text.find("You must be logged in") != std::string::npos ||
        text.find("Unauthorized") != std::string::npos)
      reply.status = 401;
    reply.body = text;
    return reply;
  }
  std::string_view rest = std::string_view(text).substr(kMark.size());
  reply.status = 500;
  if (rest.starts_with(" (")) {
    const std::string_view word = rest.substr(2, rest.find(')') - 2);
    for (const Reason& r : kReasons) reply.status = r.word == word ? r.status : reply.status;
    rest = rest.substr(std::min(rest.size(), rest.find(')') + 1));
  }
  if (rest.starts_with(": ")) rest.remove_prefix(2);
  reply.body =
      Json{{"kind", "Status"}, {"message", std::string(rest)}, {"code", reply.status}}.dump(
          -1, ' ', false, Json::error_handler_t::replace);
  return reply;
}

Error no_server(std::string_view complaint) {
  struct Row {
    std::string_view part, text, hint;
  };
  constexpr std::array<Row, 15> kRows = {{
      {"localhost:8080", "there is no kubeconfig, so kubectl would talk to localhost:8080",
       "set KUBECONFIG or give --kubeconfig FILE"},
      {"current-context", "the kubeconfig names no current context",
       "give --context NAME (kubectl config get-contexts lists them)"},
      {"does not exist", "the context does not exist in this kubeconfig",
       "kubectl config get-contexts lists them"},
      {"no such file or directory", "the kubeconfig cannot be read",
       "set KUBECONFIG or give --kubeconfig FILE"},
      {"certificate", "the API server's certificate is not trusted",
       "the kubeconfig's certificate-authority is not that of this server"},
      {"connection refused", "nobody listens at the API server's address",
       "is the cluster up, and is this the right context?"},
      {"no such host", "the API server's name does not resolve",
       "VPN, proxy or the wrong context?"},
      {"no route to host", "there is no way to the API server", "VPN, proxy or the wrong context?"},
      {"connection reset", "the connection to the API server breaks",
       "a firewall or load balancer in between, or plain HTTP to an HTTPS port"},
      {"EOF", "the connection to the API server breaks", "a firewall or load balancer in between"},
      {"i/o timeout", "the API server does not answer", "VPN, firewall or a frozen API server"},
      {"deadline exceeded", "the API server does not answer in time",
       "VPN, firewall or a frozen API server"},
      {"timed out", "the API server does not answer in time",
       "VPN, firewall or a frozen API server"},
      {"getting credentials", "the login program of the kubeconfig failed", "log in again"},
      {"nauthorized", "the API server does not accept these credentials",
       "log in again: the token may have expired"},
  }};
  for (const Row& row : kRows) {
    if (holds(complaint, row.part))
      return {ErrorCode::Unreadable, fmt::format("{} ({})", row.text, shortened_text(complaint)),
              "kubectl", std::string(row.hint)};
  }
  return {ErrorCode::Unreadable,
          complaint.empty() ? "the API server cannot be reached" : shortened_text(complaint),
          "kubectl", ""};
}

}  // namespace rankdx
