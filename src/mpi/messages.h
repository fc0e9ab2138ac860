// What ranks tell each other, and its bytes. Reading believes nothing: a damaged message is no
// message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "job/read.h"

namespace rankdx::mpi {

enum class Kind : int {
  Hello,   ///< member to root: where it runs
  Work,    ///< root to member: what it reads
  Beat,    ///< both ways: still there
  Part,    ///< to the parent or to the root: facts of some ranks
  Direct,  ///< root to member: your parent is lost, send your part to me
  Skip,    ///< root to member: do not wait for that child
  Done,    ///< root to member: the end
};

struct Hello {
  std::string host;
  int pid = 0;
};

/// An input with its place in the list of all inputs.
struct Share {
  size_t index = 0;
  InputPath path;
};
using Work = std::vector<Share>;

/// Something that could not be read, with the place of its input in the list of all.
struct Omission {
  size_t input = 0;
  Error error;
};

/// What one or more ranks read.
struct Part {
  std::vector<int> ranks;
  Facts facts;
  std::vector<Omission> left_out;
};
/// The union. Parts of the same rank are equal, so once or twice is the same.
void add(Part& to, Part part);

std::string to_bytes(const Hello& hello);
std::string to_bytes(const Work& work);
std::string to_bytes(const Part& part);
std::string to_bytes(int rank);
std::optional<Hello> read_hello(std::string_view bytes);
std::optional<Work> read_work(std::string_view bytes);
std::optional<Part> read_part(std::string_view bytes);
std::optional<int> read_rank(std::string_view bytes);

}  // namespace rankdx::mpi
