// Answers of NCCL's RAS service: any bytes are parsed or refused, and what was parsed can be
// judged.
#include <cstdint>
#include <string_view>

#include "cluster/ras_findings.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<rankdx::RasReply> replies;
  auto add = [&](rankdx::RasAnswer answer) {
    rankdx::RasReply reply;
    reply.asked = replies.size() % 2 ? "a" : "b";
    reply.at_s = static_cast<double>(replies.size());
    reply.answer = std::move(answer);
    replies.push_back(std::move(reply));
  };
  for (rankdx::RasAnswer& answer : rankdx::find_ras_answers(text)) add(std::move(answer));
  if (auto answer = rankdx::parse_ras(text)) add(std::move(*answer));
  rankdx::judge_ras(replies);
  return 0;
}
