#include "form.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "fields.h"

namespace rankdx::fleet {
namespace {

template <class T>
struct Named {
  std::string_view name;
  T value;
};

// Both sorted by name.
constexpr std::array<Named<Only>, 8> kOnly = {{{"algo", Only::Algo},
                                               {"ib", Only::Ib},
                                               {"ifname", Only::IfName},
                                               {"member", Only::Member},
                                               {"p2poff", Only::P2pOff},
                                               {"rank0", Only::Rank0},
                                               {"root", Only::Root},
                                               {"socket", Only::Socket}}};
constexpr std::array<Named<Each>, 6> kEach = {{{"channel", Each::Channel},
                                               {"peer", Each::Peer},
                                               {"receive", Each::Receive},
                                               {"send", Each::Send},
                                               {"shm", Each::Shm},
                                               {"try", Each::Try}}};

template <class T, size_t N>
constexpr bool sorted(const std::array<Named<T>, N>& table) {
  return std::is_sorted(table.begin(), table.end(),
                        [](const auto& a, const auto& b) { return a.name < b.name; });
}
static_assert(sorted(kOnly) && sorted(kEach));

template <class T, size_t N>
const T* look_up(const std::array<Named<T>, N>& table, std::string_view name) {
  const auto at =
      std::lower_bound(table.begin(), table.end(), name,
                       [](const Named<T>& row, std::string_view n) { return row.name < n; });
  return at != table.end() && at->name == name ? &at->value : nullptr;
}

/// "a {rank} b": pieces. False at a field that there is not.
bool split_pieces(std::string_view text, std::vector<Piece>& pieces) {
  Piece piece;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool brace = text[i] == '{' || text[i] == '}';
    if (brace && i + 1 < text.size() && text[i + 1] == text[i])
      ++i;
    else if (text[i] == '{') {
      const size_t end = text.find('}', i);
      const Field field = end == text.npos ? nullptr : find_field(text.substr(i + 1, end - i - 1));
      if (!field) return false;
      piece.field = field;
      pieces.push_back(std::move(piece));
      piece = {};
      i = end;
      continue;
    }
    piece.text += text[i];
  }
  piece.text += '\n';
  pieces.push_back(std::move(piece));
  return true;
}

/// The words before the bar.
bool read_head(std::string_view head, std::string& phase, FormLine& line) {
  std::vector<std::string_view> words;
  for (std::string_view word : split(head, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  if (words.size() < 2) return false;
  phase = words[0];
  for (std::string_view s : split(words[1], ',')) line.subsystems.emplace_back(s);
  for (size_t i = 2; i < words.size(); ++i) {
    if (words[i].starts_with("only=")) {
      const Only* only = look_up(kOnly, words[i].substr(5));
      if (!only) return false;
      line.only = *only;
    } else if (words[i].starts_with("each=")) {
      const Each* each = look_up(kEach, words[i].substr(5));
      if (!each) return false;
      line.each = *each;
    } else {
      return false;
    }
  }
  return true;
}

bool is_on(const FormLine& line, const std::vector<std::string>& subsystems) {
  return std::any_of(line.subsystems.begin(), line.subsystems.end(), [&](const std::string& s) {
    auto has = [&](std::string_view name) {
      return std::find(subsystems.begin(), subsystems.end(), name) != subsystems.end();
    };
    return s == "*" || has("ALL") || has(s);
  });
}

}  // namespace

const Phase* Form::find(std::string_view name) const {
  const auto at =
      std::find_if(phases.begin(), phases.end(), [&](const Phase& p) { return p.name == name; });
  return at == phases.end() ? nullptr : &*at;
}

Result<Form> parse_form(std::string_view text, const std::vector<std::string>& subsystems) {
  Form form;
  int number = 0;
  for (std::string_view row : split(text, '\n')) {
    ++number;
    if (row.empty() || row.starts_with('#')) continue;
    const size_t bar = row.find(" | ");
    FormLine line;
    std::string phase;
    if (bar == row.npos || !read_head(row.substr(0, bar), phase, line) ||
        !split_pieces(row.substr(bar + 3), line.pieces)) {
      return fail(ErrorCode::Corrupt,
                  "line " + std::to_string(number) + " is no line of a form: " + std::string(row));
    }
    if (!form.find(phase)) form.phases.push_back({phase, {}});
    const auto at = std::find_if(form.phases.begin(), form.phases.end(),
                                 [&](const Phase& p) { return p.name == phase; });
    if (is_on(line, subsystems)) at->lines.push_back(std::move(line));
  }
  return form;
}

Result<Form> load_form(const std::string& path, const std::vector<std::string>& subsystems) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::Unreadable, "cannot be read", path);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  auto form = parse_form(text, subsystems);
  if (!form) form.error().place = path;
  return form;
}

}  // namespace rankdx::fleet
