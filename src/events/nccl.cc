#include "events/nccl.h"

#include "events/nccl/heads.h"
#include "events/nccl/parsers.h"

namespace rankdx {
namespace {

/// Kinds that come by the million and that no rule looks at.
constexpr bool is_hot(EventKind kind) {
  using enum EventKind;
  switch (kind) {
    case CollCall:
    case CallTrace:
    case Tuning:
    case Alloc:
    case Via:
    case RingEdge:
    case TreeEdge:
    case ProxyNote:
      return true;
    default:
      return false;
  }
}

/// Up to 2.28 a line holds 1,023 bytes, and lists are filled by a buffer of that size: one that
/// comes near is cut.
bool may_be_cut(const Said& message) {
  constexpr size_t kLineLimit = 1000;
  constexpr size_t kPrefix = 24;  // ":pid:tid [0] NCCL INFO "
  return message.host_size + kPrefix + message.body.size() >= kLineLimit;
}

}  // namespace

void parse_nccl(const Said& message, Event& event) {
  event = Event{};
  switch (message.level) {
    case Level::Warn:
    case Level::Abort:
      nccl::parse_warn(message.body, event);
      event.file = message.file;
      event.func = message.func;
      return;
    case Level::Call:
      if (nccl::parse_call(nccl::Cursor(message.body), event)) {
        event.hot = true;
        return;
      }
      event = Event{};
      break;
    default:
      break;
  }
  if (nccl::parse_message(message.body, event)) {
    event.hot = is_hot(event.kind);
    if (event.kind == EventKind::Trees) event.truncated = may_be_cut(message);
    return;
  }
  event = Event{};
  if (nccl::is_known_text(message.body)) event.kind = EventKind::Other;
  event.truncated = nccl::begins_like_a_message(message.body);
}

Event parse_nccl(const Envelope& message) {
  Event event;
  parse_nccl({message.level, message.body, message.file, message.func, message.host.size()}, event);
  return event;
}

}  // namespace rankdx
