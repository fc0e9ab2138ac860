// Subsystems of NCCL_DEBUG_SUBSYS.
#include "base/text.h"
#include "catalogue/nccl_messages.h"
#include "catalogue/nccl_subsystems.h"
#include "explain/sources.h"

namespace rankdx {
namespace {

constexpr size_t kMaxExamples = 8;

bool printed_under(const NcclMessage& m, std::string_view subsystem) {
  for (std::string_view part : split(m.subsystem, '|')) {
    if (part.substr(0, part.find_first_of("(/;")) == subsystem) return true;
  }
  return false;
}

struct Examples {
  std::vector<std::string> formats;
  size_t all = 0;
};

/// Messages of newest releases, for which the table has a meaning written by hand.
Examples examples_of(std::string_view subsystem) {
  Examples e;
  for (const NcclMessage& m : nccl_messages()) {
    if (m.warning() || m.level == "TRACE" || !printed_under(m, subsystem)) continue;
    ++e.all;
    if (e.formats.size() < kMaxExamples && m.versions.ends_with("-2.30.7"))
      e.formats.emplace_back(m.format);
  }
  return e;
}

std::string how_to_select(const NcclSubsystem& s) {
  if (s.name == "ALL") return "NCCL_DEBUG=INFO NCCL_DEBUG_SUBSYS=ALL";
  if (!s.by_default.empty()) {
    return "On with NCCL_DEBUG=INFO alone (" + std::string(s.by_default) +
           "). Setting NCCL_DEBUG_SUBSYS replaces the default list, so name it there again.";
  }
  return "NCCL_DEBUG=INFO NCCL_DEBUG_SUBSYS=INIT,BOOTSTRAP,ENV," + std::string(s.name) +
         ": a list replaces the default one, so INIT, BOOTSTRAP and ENV are named again. No blanks "
         "behind commas before "
         "2.30.7.";
}

}  // namespace

std::optional<Page> subsystem_page(std::string_view name) {
  const NcclSubsystem* s = find_nccl_subsystem(name);
  if (s == nullptr) return std::nullopt;
  Page page{"subsystem", std::string(s->name), "subsystem of NCCL_DEBUG_SUBSYS"};
  const Examples examples = examples_of(s->name);
  page.fields("facts", "",
              {{"since", "NCCL " + std::string(s->since)},
               {"on by default", s->by_default.empty() ? "no" : std::string(s->by_default)},
               {"messages", examples.all == 0 ? ""
                                              : std::to_string(examples.all) +
                                                    " in the releases 2.3.5 to 2.30.7"}});
  page.text("lines", "What it prints", {std::string(s->lines)});
  page.text("volume", "How much", {std::string(s->volume)});
  page.text("use", "What it is good for", {std::string(s->use), std::string(s->note)});
  page.code("formats", "Some of its messages, as in NCCL's source", examples.formats);
  page.text("selecting", "Selecting", {how_to_select(*s)});
  return page;
}

}  // namespace rankdx
