// What a broken or foreign member of a mesh may send, and small files of a hostile root. The first
// byte chooses.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "probe/mesh/judge.h"
#include "probe/mesh/model.h"
#include "probe/mesh/probe_wire.h"
#include "probe/name_lookup.h"
#include "probe/nccl_interfaces.h"
#include "probe/process.h"

namespace {

void expect(bool ok) {
  if (!ok) std::abort();
}

/// A message that is taken comes back the same, and a result can be judged.
void check_message(std::string_view text) {
  const auto message = rankdx::parse_message(text);
  if (!message) return;
  if (message->kind == rankdx::MessageKind::Result) {
    const std::string again = rankdx::result_text(message->data);
    const auto second = rankdx::parse_message(again);
    expect(second.has_value() && rankdx::result_text(second->data) == again);
    if (message->data.members.size() < 32) rankdx::judge_mesh(message->data);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      check_message(text);
      break;
    case 1:
      rankdx::datagram_reply("token", text);
      rankdx::number_in_reply("token", text);
      rankdx::parse_head(text);
      break;
    case 2: {
      const auto filter = rankdx::parse_interface_filter(text);
      expect(filter.names.size() <= 16);
      filter.takes("eth0");
      break;
    }
    default:
      rankdx::parse_nccl_conf(text);
      rankdx::addresses_in_hosts(text, "gpu-worker-01");
  }
  return 0;
}
