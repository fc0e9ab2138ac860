// What NCCL's releases print: INFO and TRACE formats (data/nccl/info-events.tsv), warnings and
// error lines (data/nccl/warn-catalogue.tsv). Read-only after first use: any thread. Texts are
// views into the binary.
#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace rankdx {

struct NcclMessage {
  std::string_view id;  ///< "init.start.07", "W.boot.no_iface.01"
  std::string_view
      level;  ///< "INFO", "TRACE", "CALL", "VERSION", "plain", "WARN", for error lines "INFO NET"
  std::string_view subsystem;   ///< "INIT|NET"; "" for a WARN, which any subsystem lets through
  std::string_view versions;    ///< ranges of releases
  std::string_view source;      ///< file and function
  std::string_view format;      ///< as in the source, C escapes kept
  std::string_view fields;      ///< "rank:int nranks:int": names of the values, where known
  std::string_view meaning;     ///< of an INFO row; for a warning: the likely cause
  std::string_view printed_by;  ///< "rank 0 only"; "" not known
  std::string_view category;    ///< warnings: "bootstrap", "ib", ...
  std::string_view fatal;       ///< warnings: "yes", "no", ...
  std::string_view result;      ///< warnings: "ncclSystemError=2"
  std::string_view action;      ///< warnings: what the user does
  bool warning() const { return !category.empty(); }
};

/// Both tables: INFO rows, then warnings, in file order.
std::span<const NcclMessage> nccl_messages();

struct MessageMatch {
  const NcclMessage* message = nullptr;
  int literal_bytes = 0;  ///< how much of the text the format fixes
  /// Name and value in the order of the format; names are "1", "2"... where the table has none.
  std::vector<std::pair<std::string_view, std::string_view>> values;
};

enum class MessageSort : uint8_t { Info, Warning, Any };

/// The rows whose format prints exactly this body (without prefix), at most `most`: those that fix
/// most of the text first, of equals the one of the newest release; rows that fix less than three
/// quarters of the best one's are left out.
std::vector<MessageMatch> find_nccl_messages(std::string_view body, MessageSort sort,
                                             size_t most = 3);

}  // namespace rankdx
