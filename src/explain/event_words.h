// What the parser makes of a message, for people.
#pragma once

#include <string_view>
#include <vector>

#include "events/event.h"
#include "explain/page.h"

namespace rankdx {

struct EventWords {
  EventKind kind;
  std::string_view name;  ///< "init-start"
  std::string_view says;  ///< one sentence
};

const EventWords& words_of(EventKind kind);

/// The fields that the parser filled, in the order of the struct; views become text.
std::vector<Field> captured_fields(const Event& event);

}  // namespace rankdx
