// The tables that travel inside the binary (data/**/*.tsv), as they stand in their files.
#pragma once

#include <string_view>
#include <vector>

namespace rankdx {

/// The bytes of a table by its file name without ".tsv": "env-vars". Empty for a name that is not
/// embedded.
std::string_view data_file(std::string_view name);

/// One line of a table, without its newline, cut at tabs. Views into the embedded bytes.
using TsvRow = std::vector<std::string_view>;

/// All rows but the header line; empty lines are skipped.
std::vector<TsvRow> tsv_rows(std::string_view table);

}  // namespace rankdx
