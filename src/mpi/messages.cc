#include "mpi/messages.h"

#include <algorithm>

#include "job/archive.h"

namespace rankdx::mpi {

void add(Part& to, Part part) {
  to.ranks.insert(to.ranks.end(), part.ranks.begin(), part.ranks.end());
  to.facts = merge(std::move(to.facts), std::move(part.facts));
  for (Omission& o : part.left_out) {
    auto same = [&](const Omission& known) {
      return known.input == o.input && known.error.place == o.error.place &&
             known.error.text == o.error.text;
    };
    if (std::none_of(to.left_out.begin(), to.left_out.end(), same))
      to.left_out.push_back(std::move(o));
  }
}

std::string to_bytes(const Hello& hello) {
  ArchiveWriter a;
  a.text(hello.host);
  a.number(static_cast<uint64_t>(hello.pid));
  return a.take();
}

std::optional<Hello> read_hello(std::string_view bytes) {
  ArchiveReader a(bytes);
  Hello hello{a.text(), static_cast<int>(a.number())};
  return a.failed() ? std::nullopt : std::optional(std::move(hello));
}

std::string to_bytes(const Work& work) {
  ArchiveWriter a;
  a.number(work.size());
  for (const Share& s : work) {
    a.number(s.index);
    a.number(static_cast<uint64_t>(s.path.found));
    a.text(s.path.path);
  }
  return a.take();
}

std::optional<Work> read_work(std::string_view bytes) {
  ArchiveReader a(bytes);
  Work work;
  for (uint64_t n = a.count(); n > 0 && !a.failed(); --n) {
    Share& s = work.emplace_back();
    s.index = a.number();
    s.path.found = a.number() == 0 ? InputPath::Found::Named : InputPath::Found::InDirectory;
    s.path.path = a.text();
  }
  return a.failed() ? std::nullopt : std::optional(std::move(work));
}

std::string to_bytes(const Part& part) {
  ArchiveWriter a;
  a.number(part.ranks.size());
  for (int r : part.ranks) a.number(static_cast<uint64_t>(r));
  a.number(part.left_out.size());
  for (const Omission& o : part.left_out) {
    a.number(o.input);
    a.number(static_cast<uint64_t>(o.error.code));
    a.text(o.error.text);
    a.text(o.error.place);
    a.text(o.error.hint);
  }
  a.text(serialize(part.facts));
  return a.take();
}

std::optional<Part> read_part(std::string_view bytes) {
  ArchiveReader a(bytes);
  Part part;
  for (uint64_t n = a.count(); n > 0 && !a.failed(); --n) {
    part.ranks.push_back(static_cast<int>(a.number()));
  }
  for (uint64_t n = a.count(); n > 0 && !a.failed(); --n) {
    Omission& o = part.left_out.emplace_back();
    o.input = a.number();
    o.error.code = static_cast<ErrorCode>(std::min<uint64_t>(a.number(), uint64_t{5}));
    o.error.text = a.text();
    o.error.place = a.text();
    o.error.hint = a.text();
  }
  auto facts = deserialize(a.text());
  if (a.failed() || !facts) return std::nullopt;
  part.facts = std::move(*facts);
  return part;
}

std::string to_bytes(int rank) { return std::to_string(rank); }

std::optional<int> read_rank(std::string_view bytes) {
  int rank = 0;
  if (bytes.empty() || bytes.size() > 9) return std::nullopt;
  for (char c : bytes) {
    if (c < '0' || c > '9') return std::nullopt;
    rank = rank * 10 + (c - '0');
  }
  return rank;
}

}  // namespace rankdx::mpi
