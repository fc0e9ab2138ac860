#include "catalogue/nccl_messages.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "catalogue/data.h"
#include "catalogue/printf_format.h"
#include "catalogue/version.h"

namespace rankdx {
namespace {

/// A format that fixes less of the text ("%s: %s") says nothing about it.
constexpr int kLeastLiteral = 3;
/// The topology tree prints "GPU/1B000 (0)".
constexpr int kLeastLiteralOfTree = 2;
constexpr size_t kMaxBody = 4096;

constexpr std::array<std::string_view, 10> kNumbers = {"1", "2", "3", "4", "5",
                                                       "6", "7", "8", "9", "10"};

NcclMessage info_of(const TsvRow& row) {
  NcclMessage m;
  m.id = row[0];
  m.subsystem = row[1];
  m.source = row[4];
  m.format = row[5];
  m.fields = row[6];
  m.meaning = row[7];
  m.versions = row[8];
  m.level = row[9];
  m.printed_by = row[12];
  return m;
}

NcclMessage warning_of(const TsvRow& row) {
  NcclMessage m;
  m.id = row[0];
  m.versions = row[1];
  m.source = row[2];
  m.format = row[3];
  m.category = row[4];
  m.fatal = row[5];
  m.result = row[6];
  m.meaning = row[7];
  m.action = row[8];
  m.level = row[10];
  if (m.level.starts_with("INFO ")) m.subsystem = m.level.substr(5);
  return m;
}

std::vector<NcclMessage> read_tables() {
  std::vector<NcclMessage> all;
  for (const TsvRow& row : tsv_rows(data_file("info-events"))) {
    if (row.size() >= 13) all.push_back(info_of(row));
  }
  for (const TsvRow& row : tsv_rows(data_file("warn-catalogue"))) {
    if (row.size() >= 12) all.push_back(warning_of(row));
  }
  return all;
}

/// Rows of the topology tree hold several formats: "%s/%lX (%d) | %s/%lX (%lx)".
std::vector<std::string_view> formats_of(const NcclMessage& m) {
  if (!m.id.starts_with("topo.")) return {m.format};
  std::vector<std::string_view> formats;
  std::string_view rest = m.format;
  for (size_t bar = rest.find(" | "); bar != rest.npos; bar = rest.find(" | ")) {
    formats.push_back(trim(rest.substr(0, bar)));
    rest.remove_prefix(bar + 3);
  }
  formats.push_back(trim(rest));
  return formats;
}

MessageMatch named(const NcclMessage& m, const PrintfFormat::Match& match) {
  std::vector<std::string_view> names;
  for (std::string_view field : split(m.fields, ' ')) {
    if (!field.empty()) names.push_back(field.substr(0, field.find_first_of(":(")));
  }
  MessageMatch out{&m, match.literal_bytes, {}};
  for (size_t i = 0; i < match.values.size(); ++i) {
    const bool known = names.size() == match.values.size();
    if (!known && i >= kNumbers.size()) break;
    out.values.emplace_back(known ? names[i] : kNumbers[i], match.values[i]);
  }
  return out;
}

Version last_release(const NcclMessage& m) {
  const auto range = VersionRange::parse(m.versions);
  return range ? range->last().value_or(Version{}) : Version{};
}

bool wanted(const NcclMessage& m, MessageSort sort) {
  switch (sort) {
    case MessageSort::Info:
      return m.level != "WARN";
    case MessageSort::Warning:
      return m.level == "WARN";
    case MessageSort::Any:
      return true;
  }
  return false;
}

}  // namespace

std::span<const NcclMessage> nccl_messages() {
  static const std::vector<NcclMessage> all = read_tables();
  return all;
}

namespace {

struct ReadFormat {
  const NcclMessage* message;
  PrintfFormat format;
};

/// All formats in table order, taken apart once.
const std::vector<ReadFormat>& read_formats() {
  static const std::vector<ReadFormat> formats = [] {
    std::vector<ReadFormat> all;
    for (const NcclMessage& m : nccl_messages()) {
      for (const std::string_view format : formats_of(m)) all.push_back({&m, PrintfFormat(format)});
    }
    return all;
  }();
  return formats;
}

}  // namespace

std::vector<MessageMatch> find_nccl_messages(std::string_view body, MessageSort sort, size_t most) {
  body = body.substr(0, kMaxBody);
  while (!body.empty() && is_space(body.back())) body.remove_suffix(1);
  std::vector<MessageMatch> found;
  int best = 0;
  for (const ReadFormat& f : read_formats()) {
    const NcclMessage& m = *f.message;
    const int least =
        std::max(best * 3 / 4, m.id.starts_with("topo.") ? kLeastLiteralOfTree : kLeastLiteral);
    if (!wanted(m, sort) || f.format.literal_bytes() < least) continue;
    const auto match = f.format.match(body);
    if (!match || (!found.empty() && found.back().message == &m)) continue;
    best = std::max(best, match->literal_bytes);
    found.push_back(named(m, *match));
  }
  std::erase_if(found, [&](const MessageMatch& m) { return m.literal_bytes < best * 3 / 4; });
  std::stable_sort(found.begin(), found.end(), [](const MessageMatch& a, const MessageMatch& b) {
    if (a.literal_bytes != b.literal_bytes) return a.literal_bytes > b.literal_bytes;
    return last_release(*b.message) < last_release(*a.message);
  });
  if (found.size() > most) found.resize(most);
  return found;
}

}  // namespace rankdx
