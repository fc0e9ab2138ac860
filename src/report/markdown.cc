#include "present/markdown.h"

#include <fmt/format.h>

#include "report/picture.h"

namespace rankdx {
namespace {

constexpr size_t kMostCharacters = 60'000;  ///< GitHub takes 65,536 in one comment
constexpr int kWidth = 120;

void add_within(std::string& out, std::string part, bool& cut) {
  constexpr size_t kRoomForNote = 200;
  if (cut || out.size() + part.size() + kRoomForNote > kMostCharacters) {
    cut = true;
    return;
  }
  out += part;
}

std::string details(std::string_view summary, const std::string& body) {
  if (body.empty()) return "";
  return fmt::format("\n<details><summary>{}</summary>\n\n{}\n</details>\n", summary,
                     markdown_block(body));
}

}  // namespace

std::string render_markdown(const Report& report) {
  const Diagnosis& d = report.diagnosis;
  std::string out =
      fmt::format("### rankdx: {}\n\n{}\n\n", to_string(d.verdict), markdown_clip(d.summary, 1000));
  bool cut = false;
  for (const Finding& f : d.findings) {
    if (!cut) add_within(out, finding_markdown(f) + "\n", cut);
  }
  add_within(out, "Job: " + markdown_clip(job_in_a_line(*report.job), 1000) + "\n", cut);
  add_within(out, details("Ranks", rank_table(*report.job, kWidth)), cut);
  add_within(out, details("Transports", transport_picture(*report.job, kWidth)), cut);
  add_within(out, details("Not the same everywhere", differences(*report.job, kWidth)), cut);
  for (const Error& e : report.left_out)
    add_within(out, "- left out: " + markdown_clip(to_string(e), 400) + "\n", cut);
  if (cut)
    out +=
        "\n(The rest was left out so that this fits; `rankdx diagnose -o json` has everything.)\n";
  return out;
}

}  // namespace rankdx
