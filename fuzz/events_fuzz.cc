// The grammar of NCCL's messages: any body at any level gives an event whose texts lie inside the
// body, and the lists in it can be walked.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "events/last_words.h"
#include "events/nccl.h"
#include "events/nccl/skim.h"

namespace {

/// Views of an event point into the message or into constants of the parser; reading each byte lets
/// the sanitizer see.
unsigned touch(std::string_view text) {
  unsigned sum = 0;
  for (char c : text) sum += static_cast<unsigned char>(c);
  return sum;
}

/// The short way must not know better.
void compare_skim(const rankdx::Envelope& message, const rankdx::Event& event) {
  rankdx::CallText text;
  const rankdx::EventKind kind = rankdx::skim_nccl(message.body, text);
  if (message.level != rankdx::Level::Info || kind == rankdx::EventKind::Unknown) return;
  rankdx::CollectiveCall call;
  if (kind == rankdx::EventKind::CollCall) call = rankdx::read_call(text);
  const bool same_call = call.name == event.name && call.comm == event.comm &&
                         call.op_count == event.op_count && call.count == event.count &&
                         call.root == event.root;
  if (kind != event.kind || (kind == rankdx::EventKind::CollCall && !same_call)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  rankdx::Envelope message;
  message.level = static_cast<rankdx::Level>(data[0] % (static_cast<int>(rankdx::Level::Call) + 1));
  message.body = {reinterpret_cast<const char*>(data + 1), size - 1};
  const rankdx::Event event = rankdx::parse_nccl(message);
  compare_skim(message, event);
  const auto death = rankdx::death_of(message.body);
  unsigned sum = touch(death ? death->word : "") + touch(event.func) + touch(event.file) +
                 touch(event.name) + touch(event.value) + touch(event.peer_text) +
                 touch(event.text);
  rankdx::for_each_int(event.text, [&](int n) { sum += static_cast<unsigned>(n); });
  rankdx::for_each_tree(event.text,
                        [&](const rankdx::TreeLinks& t) { sum += static_cast<unsigned>(t.rank); });
  rankdx::for_each_net_device(
      event.value, [&](std::string_view a, std::string_view b) { sum += touch(a) + touch(b); });
  return sum == 0xdeadbeef ? 1 : 0;
}
