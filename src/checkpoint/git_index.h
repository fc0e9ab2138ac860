// What a `git clone` of a model recorded about its files: .git/index names the blob of each. For a
// file in Git LFS that blob is the pointer, which follows from the file's own hash and size, so
// that contents can be proved without the network. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rankdx {

/// Blob ids (40 hex digits) by path. Nothing for text that is no index of SHA-1 (versions 2 to 4).
std::optional<std::map<std::string, std::string, std::less<>>> git_index_blobs(
    std::string_view index);

/// The three lines that Git LFS stores in place of a file.
std::string lfs_pointer_text(std::string_view sha256, uint64_t bytes);

}  // namespace rankdx
